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
            # Line ends, which moving between systems may change, say nothing, nor do blank lines at the end.
            pairs = zip_longest(theirs.splitlines(), ours.splitlines(), fillvalue="")
            for number, (there, here) in enumerate(pairs, 1):
                if there != here:
                    letters = enumerate(zip_longest(there, here))
                    begin = max(0, next(at for at, (a, b) in letters if a != b) - _LONGEST // 2)
                    around = slice(begin, begin + _LONGEST)
                    what = f"'{there[around]}' there, '{here[around]}' from the rows"
                    problems.append(f"{name}, line {number}: {what}")
                    break
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
