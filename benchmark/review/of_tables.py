"""Tables and leaderboards: whether they say what the rows do."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from forenbench.errors import BenchError
from forenbench.files.regular import read_regular
from forenbench.records.store import Store

from .result import ReviewResult, some

_LONGEST = 60


def tables(store: Store) -> ReviewResult:
    """Make every table from the rows, not from what is remembered, and compare the files that lie there."""
    # Here, for tables import half of the harness, and what comes before them needs none of it.
    from forenbench.tables.exports import export
    from forenbench.tables.measured import measure

    check = "tables and leaderboard say what the rows do"
    try:
        cells = measure([store], anew=True)
    except BenchError as error:
        return ReviewResult(check, str(error))
    problems, absent = [], []
    with TemporaryDirectory() as folder:
        for name in export(cells, Path(folder)):
            file = store.root / name
            if not file.is_file():
                absent.append(name)
                continue
            theirs, ours = (
                read_regular(one).decode("utf-8", "replace") for one in (file, Path(folder) / name)
            )
            if theirs == ours:
                continue
            # the first line that differs, around the place
            lines = enumerate(zip_longest(theirs.splitlines(), ours.splitlines(), fillvalue=""), 1)
            number, there, here = next((at, one, other) for at, (one, other) in lines if one != other)
            letters = enumerate(zip(there, here, strict=False))
            start = next((at for at, (one, other) in letters if one != other), 0)
            begin = max(0, start - _LONGEST // 2)
            around = slice(begin, begin + _LONGEST)
            problems.append(f"{name}, line {number}: '{there[around]}' there, '{here[around]}' from the rows")
    return ReviewResult(check, some(problems), f"not there: {some(absent)}" if absent else "")


def _first_difference(theirs: str, ours: str) -> str:
    """Show the first line in which two texts differ, around the place."""
    lines = zip_longest(theirs.splitlines(), ours.splitlines(), fillvalue="")
    number, there, here = next((at, one, other) for at, (one, other) in enumerate(lines, 1) if one != other)
    start = next((at for at, pair in enumerate(zip(there, here, strict=False)) if len(set(pair)) > 1), 0)
    begin = max(0, start - _LONGEST // 2)
    return (
        f"line {number}: '{there[begin : begin + _LONGEST]}' there, '{here[begin : begin + _LONGEST]}' from "
        "the rows"
    )
