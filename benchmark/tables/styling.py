"""Tables shown in another way: other decimals and names, rows as columns, with or without intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from forenbench.errors import BenchError, unknown

from .values import Look, Values

_MOST_DIGITS = 10
T = TypeVar("T", bound=Values)


def styled(
    table: T, digits: int | None, rename: Mapping[str, str], transpose: bool, intervals: bool | None
) -> T:
    """Say how a table is to be shown (see `forenbench.tables.table.Table.styled`).

    Raises:
        BenchError: A name is in no label, two labels would become one, or there are no intervals.
    """
    if digits is not None and not 0 <= digits <= _MOST_DIGITS:
        raise BenchError(f"digits {digits} is not a whole number from 0 to {_MOST_DIGITS}")
    has_ends = table.low is not None and bool(table.low.notna().to_numpy().any())
    if intervals and not has_ends:
        raise BenchError(f"no number of table '{table.name}' has an interval; 'bench table cells' shows some")
    names = {name for level in _levels(table.frame) for name in level}
    for old in rename:
        if old not in names:
            raise BenchError(unknown(f"name in table '{table.name}'", old, names))
    for level in _levels(table.frame):
        new = [rename.get(name, name) for name in level]
        if twice := [name for name in new if new.count(name) > 1]:
            both = " and ".join(f"'{name}'" for name in level if rename.get(name, name) == twice[0])
            raise BenchError(
                f"{both} would both be called '{twice[0]}': one name never stands for two things"
            )
    notes = table.notes
    if rename:  # notes name things as the harness does
        notes += (f"Renamed here: {', '.join(f'{new} is {old}' for old, new in rename.items())}.",)
    decimals = table.decimals if digits is None else digits
    return replace(table, notes=notes, decimals=decimals, look=Look(dict(rename), transpose, intervals))


def _levels(frame: pd.DataFrame) -> Iterator[list[str]]:
    """Yield the distinct names of each level of labels, what levels are called, and words among values."""
    for labels in (frame.index, frame.columns):
        for level in range(labels.nlevels):
            yield list(dict.fromkeys(map(str, labels.get_level_values(level))))
    yield list(dict.fromkeys(str(name) for name in (*frame.index.names, *frame.columns.names) if name))
    yield list(dict.fromkeys(text for text in frame.to_numpy(object).ravel() if isinstance(text, str)))
