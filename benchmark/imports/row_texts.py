"""What the texts of one row of a score file mean: its path, and its score with a status."""

from __future__ import annotations

import math
import posixpath
import re
from pathlib import Path

from forenbench.data.sources.names import with_slashes
from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.records.rows import STATUSES

_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates, but for those that stand for a byte of a file's name (PEP 383)."""
_SHOWN = 40
"""Characters of a score in an error: JSON may hold a number of thousands of digits."""

Scored = tuple[float, str, str]
"""Score (NaN unless the status is "ok"), status, and why there is none."""


def normal(path: str) -> str:
    """Spell a path, also one that Windows wrote, so that equal ones compare equal."""
    return posixpath.normpath(with_slashes(path))


def read_path(file: Path, number: int, text: str) -> str:
    """Spell a row's path as paths are compared.

    Raises:
        BenchError: It is none.
    """
    if text.isprintable() and text.strip():  # nearly always: none of the flaws below is printable
        return normal(text)
    # No file has NUL in its name, and Arrow keeps no half of a surrogate pair, which JSON may hold.
    for is_so, flaw in (
        (not text.strip(), "there is no path"),
        ("\0" in text, "the path holds a NUL character"),
        (_HALF.search(text), "the path holds half a character"),
    ):
        if is_so:
            raise BenchError(f"'{file}', row {number}: {flaw}")
    return normal(text)


def read_score(file: Path, number: int, score: str, status: str, error: str) -> Scored:
    """Read score, status and reason; what is wrong with a score is its row's, and loses no other row.

    Raises:
        BenchError: The status is none of `STATUSES`.
    """
    if not status and (value := _number(score)) is not None and math.isfinite(value):
        return value, "ok", ""  # nearly always, and without looking further
    status, text = status.strip().lower() or "ok", score.strip()
    if status not in STATUSES:
        raise BenchError(f"'{file}', row {number}: status '{status}' is none of {', '.join(STATUSES)}")
    if status != "ok":
        return math.nan, status, readable(error) or f"status '{status}' in {file.name}"
    if not text:
        return math.nan, "failed", readable(error) or f"no score in row {number} of {file.name}"
    value = _number(text)
    if value is not None and math.isfinite(value):
        return value, "ok", ""
    shown = readable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    if value is None:
        return math.nan, "failed", f"score '{shown}' in row {number} of {file.name} is no number"
    # "nan" and "inf" are written so; 1e999 becomes infinite on the way
    return math.nan, "nonfinite", f"score {shown} in row {number} of {file.name}"


def _number(text: str) -> float | None:
    """Read what tables mean by a number: no ``1_000`` or digits of other scripts, as Python takes."""
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None
