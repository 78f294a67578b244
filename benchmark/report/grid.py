"""Any pandas table → header and body cells of an HTML table, each number with its exact value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd

from forenbench.printable import printable
from forenbench.tables.best import is_lowest_best
from forenbench.tables.printed import levels, number
from forenbench.tables.readable import RANKS, for_readers
from forenbench.tables.table import Table

_FIRST, _RANK = "detector", "rank"


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

    def also(self, row: Sequence[GridCell]) -> str:
        """Name a row further than its first cell does, for screens without room for columns of names."""
        entries = zip(self.heads[-1][1 : self.labels], row[1:], strict=False)
        told = [(f"{head.text} " if head.text in RANKS else "", cell) for head, cell in entries]
        return " · ".join(f"{before}{cell.text}{cell.mark}" for before, cell in told if cell.text)


def lay_out(table: Table) -> Grid:
    """Lay a table out; index levels become the first columns, the detector (if any) the very first."""
    table, everywhere = for_readers(table, keep=_FIRST)
    frame = table.frame
    # A reader looks for a detector first; layouts order rows by perturbation.
    if _FIRST in frame.index.names[1:]:
        frame = frame.reorder_levels([_FIRST, *(str(one) for one in frame.index.names if one != _FIRST)])
    labels = frame.index.nlevels
    columns = [[_entry(value, 0) for value in frame.index.get_level_values(n)] for n in range(labels)]
    for name in frame.columns:
        signed = levels(name)[-1] == table.signed != ""
        entries = [_entry(value, table.decimals, signed) for value in frame[name]]
        if table.shows_intervals and table.low is not None and table.high is not None:
            for at, (low, high) in enumerate(zip(table.low[name], table.high[name], strict=True)):
                if pd.notna(low):
                    between = f"[{low:.{table.decimals}f}, {high:.{table.decimals}f}]"
                    entries[at] = replace(entries[at], between=between)
        if table.marks is not None:
            for at, signs in enumerate(table.marks[name]):
                entries[at] = replace(entries[at], mark=signs if entries[at].text else "")
        columns.append(entries)
    # A cell of an outer level is above all neighbours of its name; the last level has one for each column,
    # by which the page sorts.
    names, heads = [levels(name) for name in frame.columns], []
    for level in range(1, frame.columns.nlevels):
        groups = groupby(name[:level] for name in names)
        heads.append([Head("", 1)] * labels + [Head(name[-1], len(list(same))) for name, same in groups])
    texts = [*(str(name or "") for name in frame.index.names), *(name[-1] for name in names)]
    heads.append(
        [
            Head(
                text,
                1,
                at,
                all(entry.number for entry in columns[at]),
                is_lowest_best(text) or text == _RANK,
            )
            for at, text in enumerate(texts)
        ]
    )
    rows = list(zip(*columns, strict=True))
    labels += sum(name in RANKS for name in frame.columns)  # they stand first, and tell rows apart
    return Grid(table.name, table.title, everywhere, table.notes, heads, rows, labels)


def _entry(value: object, decimals: int, signed: bool = False) -> GridCell:
    """Set one value: counts as they are, other numbers with some decimals, what is undefined as nothing."""
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and np.isnan(value)):
        return GridCell("", "", True)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return GridCell(str(value), str(value), True)
    if isinstance(value, float | np.floating):
        return GridCell(number(float(value), decimals, signed), repr(float(value)), True)
    return GridCell(printable(str(value)), "", False)
