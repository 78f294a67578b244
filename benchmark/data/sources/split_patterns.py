"""Patterns that say which split files are of, where names of folders do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forenbench.errors import BenchError

from .patterns import compiled
from .splits import SCORED, split_of


def read_splits(values: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Read a description's table ``[splits]``: patterns by split.

    Raises:
        BenchError: One is no split, or no pattern.
    """
    found = {}
    for word, texts in values.items():
        if not split_of(word):
            raise BenchError(f"splits: '{word}' is none of {', '.join(SCORED)}")
        try:
            found[split_of(word)] = tuple(compiled(text).text for text in texts)
        except ValueError as error:
            raise BenchError(f"splits: {error}") from None
    return found


def split_by(patterns: Mapping[str, tuple[str, ...]], path: str) -> str:
    """Return the split of which a pattern fits a path first; empty where none does."""
    fits = (split for split, texts in patterns.items() for text in texts if compiled(text).fits(path))
    return next(fits, "")
