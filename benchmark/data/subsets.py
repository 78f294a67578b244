"""Subsets of a dataset as data: the first files of each label, every n-th, or those of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from forenbench.errors import BenchError
from forenbench.types import Sample


@dataclass(frozen=True, slots=True)
class Subset:
    """Which files of a dataset count, in the words of ``[subset]`` in its description.

    Attributes:
        first: At most so many of each test set and label, in the order of paths.
        every: Of each test set and label the first of so many, in that order; before `first`.
        list: A table of the paths that count, perhaps with their sha256.
    """

    first: int | None = None
    every: int | None = None
    list: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read a table ``[subset]``; its list lies beside the descriptions of datasets.

        Raises:
            BenchError: A word is unknown, or its value cannot be one.
        """
        known = {one.name for one in fields(cls)}
        if surplus := values.keys() - known:
            raise BenchError(f"subset has no '{min(surplus)}'; known are {', '.join(sorted(known))}")
        for word in ("first", "every"):
            value = values.get(word, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BenchError(f"subset: '{word}' is {value!r}, not a whole number from 1 on")
        file = values.get("list", "")
        where = str(files("forenbench.datasets") / file) if file else ""
        return cls(values.get("first"), values.get("every"), where)

    def __str__(self) -> str:
        counted = [f"{word} {getattr(self, word)}" for word in ("first", "every") if getattr(self, word)]
        return ", ".join([*counted, *([f"list {Path(self.list).name}"] if self.list else [])])

    def of_label(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Take `first` and `every` of one test set's samples of one label, in the order of paths."""
        return samples[:: self.every or 1][: self.first]


WHOLE = Subset()
