"""The outcome of one check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SHOWN = 3


class ReviewResult(NamedTuple):
    """One check.

    Attributes:
        check: What is asked, as a sentence that holds if it is kept.
        problem: Why it is not; empty where it is.
        said: What a reviewer should know of it all the same.
    """

    check: str
    problem: str = ""
    said: str = ""


def some(found: Sequence[str]) -> str:
    """Name the first few of several."""
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
