"""Any pandas table → header and body cells of an HTML table, each number with its exact value."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd

from forenbench.printable import printable
from forenbench.tables.best import is_lowest_best
from forenbench.tables.printed import levels, number
from forenbench.tables.table import Table

_FIRST, _RANK = "detector", "rank"
_ENOUGH = 2
"""Rows, for something to repeat itself."""


@dataclass(frozen=True, slots=True)
class Head:
    """A cell of the header.

    Attributes:
        text: What it says.
        span: How many columns it is above.
        column: Counts them where the table can be sorted by it, else -1.
        number: Whether its column holds numbers.
        lower: Whether the lowest of them is the best.
    """

    text: str
    span: int
    column: int = -1
    number: bool = False
    lower: bool = False


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell of the body.

    Attributes:
        text: What is shown.
        value: The exact number behind it; empty for words and blanks.
        number: Whether it is a number, or the place of one.
        between: Its 95 % interval in brackets, or nothing.
        mark: Signs that the notes explain, or nothing.
        shade: Colour behind it, or nothing.
    """

    text: str
    value: str
    number: bool
    between: str = ""
    mark: str = ""
    shade: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table ready to be set.

    Attributes:
        name: Unique on the page, and fit for an address.
        title: One line.
        everywhere: What all rows share, as (column, value); such columns are left out.
        notes: What the numbers rest on.
        heads: Rows of the header.
        rows: Rows of the body; the first `labels` entries of each name it.
        labels: See `rows`.
    """

    name: str
    title: str
    everywhere: Sequence[tuple[str, str]]
    notes: Sequence[str]
    heads: Sequence[Sequence[Head]]
    rows: Sequence[Sequence[GridCell]]
    labels: int

    @property
    def columns(self) -> int:
        """How many there are, names of rows included."""
        return sum(head.span for head in self.heads[-1])


def lay_out(table: Table) -> Grid:
    """Lay a table out; index levels become the first columns, the detector (if any) the very first."""
    frame, everywhere = _without_repetition(_detectors_first(table.frame))
    columns = [[_entry(value, 0) for value in frame.index.get_level_values(n)] for n in _levels_of(frame)]
    columns += [_column(table, name) for name in frame.columns]
    numbers = [all(entry.number for entry in column) for column in columns]
    rows, heads = list(zip(*columns, strict=True)), list(_heads(frame, numbers))
    return Grid(table.name, table.title, everywhere, table.notes, heads, rows, frame.index.nlevels)


def _levels_of(frame: pd.DataFrame) -> range:
    return range(frame.index.nlevels)


def _column(table: Table, name: Hashable) -> list[GridCell]:
    """Set one column with its intervals and marks."""
    signed = levels(name)[-1] == table.signed != ""
    entries = [_entry(value, table.decimals, signed) for value in table.frame[name]]
    if table.low is not None and table.high is not None:
        ends = zip(entries, table.low[name], table.high[name], strict=True)
        entries = [replace(entry, between=_between(low, high, table.decimals)) for entry, low, high in ends]
    if table.marks is not None:
        signed_entries = zip(entries, table.marks[name], strict=True)
        entries = [replace(entry, mark=signs if entry.text else "") for entry, signs in signed_entries]
    return entries


def _between(low: float, high: float, decimals: int) -> str:
    """Set an interval, if there is one."""
    return "" if pd.isna(low) else f"[{low:.{decimals}f}, {high:.{decimals}f}]"


def _detectors_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the detector, if it names rows, before what else does."""
    if _FIRST not in frame.index.names[1:]:
        return frame
    return frame.reorder_levels([_FIRST, *(str(name) for name in frame.index.names if name != _FIRST)])


def _without_repetition(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Take out words that are the same in every row, and say them unless empty; the first column stays."""
    if len(frame) < _ENOUGH:
        return frame, []
    words = {name: frame.index.get_level_values(name) for name in map(str, frame.index.names[1:])}
    names = {str(name): frame[name] for name in frame.columns} if frame.columns.nlevels == 1 else {}
    same = {
        name: str(values[0])
        for name, column in {**words, **names}.items()
        if isinstance((values := list(column))[0], str) and len(set(values)) == 1
    }
    frame = frame.droplevel([name for name in same if name in words])
    frame = frame.drop(columns=[name for name in same if name in names])
    return frame, [(name, value) for name, value in same.items() if value]


def _heads(frame: pd.DataFrame, numbers: Sequence[bool]) -> Iterator[list[Head]]:
    """Yield rows of the header: equal neighbours at an outer level share a cell, the last level has none."""
    depth, labels = frame.columns.nlevels, [str(name or "") for name in frame.index.names]
    names = [levels(name) for name in frame.columns]
    for level in range(depth):
        if level == depth - 1:
            texts = [*labels, *(name[level] for name in names)]
            yield [
                Head(text, 1, column, numbers[column], is_lowest_best(text) or text == _RANK)
                for column, text in enumerate(texts)
            ]
        else:
            outer = [name[: level + 1] for name in names]
            merged = [Head(name[-1], len(list(same))) for name, same in groupby(outer)]
            yield [Head("", 1) for _ in labels] + merged


def _entry(value: object, decimals: int, signed: bool = False) -> GridCell:
    """Set one value: counts as they are, other numbers with some decimals, what is undefined as nothing."""
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and np.isnan(value)):
        return GridCell("", "", True)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return GridCell(str(value), str(value), True)
    if isinstance(value, float | np.floating):
        return GridCell(number(float(value), decimals, signed), repr(float(value)), True)
    return GridCell(printable(str(value)), "", False)
