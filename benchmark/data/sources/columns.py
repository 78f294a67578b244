"""Columns of other people's tables that nothing is read from, though they seem to say what made an image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from forenbench.printable import readable

_LIKELY = {"model", "generator", "gen", "method", "synthesizer", "architecture"}


@cache
def is_likely(name: str) -> bool:
    """Say whether a column seems to hold generators: ``model``, ``generator_name``, ``source-model``."""
    return not _LIKELY.isdisjoint(re.split(r"[\W_]+", name))


@dataclass(frozen=True, slots=True)
class UnusedColumns:
    """The values of such columns, as rows go by; of none where generators are read.

    Attributes:
        used: The table's names of columns that are read, by ours.
    """

    used: Mapping[str, str]
    _values: dict[str, set[str]] = field(default_factory=dict)

    def see(self, columns: Mapping[str, Iterable[str]]) -> None:
        """Look at columns, or at some rows of them, by lower-case name."""
        if "generator" in self.used:
            return
        for name, values in columns.items():
            if is_likely(name) and name not in self.used.values() and (said := {*values} - {""}):
                self._values.setdefault(name, set()).update(said)

    def notes(self) -> Iterator[str]:
        """Say which columns these are, with how many values."""
        for name, values in self._values.items():
            column = readable(name)
            yield (
                f"column '{column}' is not read; it has {len(values)} values, such as "
                f"'{readable(min(values))}'. If it says what made the images, say so, as in columns: "
                f"generator={column}"
            )
