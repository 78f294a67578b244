"""What the texts in rows of a score file mean: their paths, and their scores with a status."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from forenbench.data.sources.names import with_slashes
from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.records.rows import STATUSES

_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates, but for those that stand for a byte of a file's name (PEP 383)."""
_TELLTALE = ("\\", "//", "/.", "\n.", "/\n")
"""Of these, one is in lines of paths if `normal` spells any of them otherwise."""
_SHOWN = 40
"""Characters of a score in an error: JSON may hold a number of thousands of digits."""

Flaw = tuple[str, str]
"""Why a row has no score: its status, and the reason."""


class ReadScores(NamedTuple):
    """A column of scores.

    Attributes:
        values: Of each row, NaN where it has none.
        flaws: Why these have none, by the numbers of their rows.
    """

    values: list[float]
    flaws: dict[int, Flaw]


def normal(path: str) -> str:
    """Spell a path, also one that Windows wrote, so that equal ones compare equal."""
    return posixpath.normpath(with_slashes(path))


def normal_paths(paths: Sequence[str]) -> Sequence[str]:
    """Spell paths as `normal` does, none of them empty."""
    # Nearly always all are spelled so, which some looks at the whole tell in a tenth of the time.
    lines = "\n".join(("", *paths, ""))
    return [normal(path) for path in paths] if any(sign in lines for sign in _TELLTALE) else paths


def read_paths(file: Path, numbers: Sequence[int], texts: Sequence[str]) -> Sequence[str]:
    """Spell the paths in the rows of these numbers as paths are compared.

    Raises:
        BenchError: One is none.
    """
    # Nearly always: none of the flaws below is printable.
    if "".join(texts).isprintable() and all(map(str.strip, texts)):
        return normal_paths(texts)
    for number, text in zip(numbers, texts, strict=True):
        # No file has NUL in its name, and Arrow keeps no half of a surrogate pair, which JSON may hold.
        for is_so, flaw in (
            (not text.strip(), "there is no path"),
            ("\0" in text, "the path holds a NUL character"),
            (_HALF.search(text), "the path holds half a character"),
        ):
            if is_so:
                raise BenchError(f"'{file}', row {number}: {flaw}")
    return normal_paths(texts)


def read_column(
    file: Path, numbers: Sequence[int], scores: Sequence[str], statuses: Sequence[str], errors: Sequence[str]
) -> ReadScores:
    """Read the scores in the rows of these numbers; what is wrong with one loses no other.

    Args:
        file: For messages.
        numbers: Of the rows in the file.
        scores: As they are written.
        statuses: Of the rows, as they are written; an empty one says nothing.
        errors: Why there is no score, where a status says so or none is written.

    Raises:
        BenchError: A status is none of `STATUSES`.
    """
    # Nearly always, and without a look at each row.
    if not any(statuses) and (plain := _numbers(scores)) is not None and all(map(math.isfinite, plain)):
        return ReadScores(plain, {})
    column = ReadScores([], {})
    for number, *said in zip(numbers, scores, statuses, errors, strict=True):
        read = _read_score(file, number, *said)
        if not isinstance(read, float):
            column.flaws[number] = read
        column.values.append(read if isinstance(read, float) else math.nan)
    return column


def _read_score(file: Path, number: int, score: str, status: str, error: str) -> float | Flaw:
    status, text = status.strip().lower() or "ok", score.strip()
    if status not in STATUSES:
        raise BenchError(f"'{file}', row {number}: status '{status}' is none of {', '.join(STATUSES)}")
    if status != "ok":
        return status, readable(error) or f"status '{status}' in {file.name}"
    if not text:
        return "failed", readable(error) or f"no score in row {number} of {file.name}"
    read = _numbers([text])
    if read and math.isfinite(read[0]):
        return read[0]
    shown = readable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    if read is None:
        return "failed", f"score '{shown}' in row {number} of {file.name} is no number"
    # "nan" and "inf" are written so; 1e999 becomes infinite on the way
    return "nonfinite", f"score {shown} in row {number} of {file.name}"


def _numbers(texts: Sequence[str]) -> list[float] | None:
    """Read what tables mean by numbers: no ``1_000`` or digits of other scripts, as Python takes."""
    written = "".join(texts)
    if "_" in written or not written.isascii():
        return None
    try:
        return list(map(float, texts))
    except ValueError:
        return None
