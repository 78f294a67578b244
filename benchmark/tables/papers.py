"""Measured numbers in the layout of a paper's table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any, TypeAlias

import pandas as pd

from forenbench.data.protocols import protocol_of
from forenbench.errors import BenchError
from forenbench.types import OWN, PUBLISHED, UNVERIFIED

from . import marks
from .cell_frame import CELL_AND_CLASS, Key, as_dicts, key, labels_of, one_protocol
from .notes import left_out, notes_on
from .paper import Heading, PaperTable
from .paper_files import folder as folder
from .paper_files import paper_tables as paper_tables
from .table import Table

_WHOSE = (PUBLISHED, UNVERIFIED, OWN)
"""Weights that may fill a paper's table, the best first."""
_Take: TypeAlias = Callable[["pd.Series[Any]"], Any]
TAKES: Mapping[str, _Take] = {
    "mean": lambda values: values.mean(skipna=False),
    "sd": lambda values: values.std(ddof=1, skipna=False),
    "min": lambda values: values.min(skipna=False),
}
"""What papers make of several numbers, where none is blank. A deviation is that of a sample (n - 1)."""


def lay_out(table: PaperTable, cells: pd.DataFrame, protocol: str | None = None) -> Table:
    """Fill a paper's table with measured numbers.

    Args:
        table: One of `paper_tables`.
        cells: As `forenbench.tables.measure` returns them, called with the table's `by_class`. Of each
            detector only cells with one kind of weights count, the best of `_WHOSE`; any but the published
            ones are named in the label of its row or column.
        protocol: See `forenbench.tables.one_protocol`; by default the table's own, with a limit if need be.

    Returns:
        The printed rows and columns; NaN where a cell was not run, and in every mean over one.

    Raises:
        BenchError: No cell of the table was run, or not under this protocol.
    """
    needed = {key(cell, CELL_AND_CLASS) for cell in table.cells()}
    usable = [
        key(cell, CELL_AND_CLASS) in needed and cell["weights"] in _WHOSE
        for cell in as_dicts(cells, [*CELL_AND_CLASS, "weights"])
    ]
    mine = cells[usable]
    if mine.empty:
        raise BenchError(
            f"no cell of table '{table.name}' among these runs; 'bench run --experiment {table.name}' makes "
            f"them, and 'bench table {table.name} --only published' shows the paper's own numbers"
        )
    # Of each detector the best kind of weights alone, so that no row mixes two.
    mine = mine[mine["weights"] == mine["detector"].map(_whose(mine))]
    # as other tables take the cells of a limited run, where there are no others
    own = [one for one in dict.fromkeys(mine["protocol"]) if protocol_of(one).name == table.protocol]
    default = own[0] if len(own) == 1 else table.protocol
    chosen = _rates_by_name(table, one_protocol(mine, protocol or default or None))
    frame, signs = _fill(table, chosen)
    whose = {detector: kind for detector, kind in _whose(chosen).items() if kind != PUBLISHED}
    for filled in (frame, signs):
        filled.index = _axis(table.rows, table.index, whose)
        filled.columns = _axis(table.columns, table.header, whose)
    notes = (
        *table.notes,
        *_remarks(table, chosen),
        *notes_on(chosen),
        *marks.remarks(chosen),
        *left_out(mine, chosen),
    )
    return Table(table.name, table.heading, frame, notes, table.decimals, marks=signs)


def empty(table: PaperTable) -> pd.DataFrame:
    """Return the printed rows and columns, all blank."""
    return pd.DataFrame(
        float("nan"),
        index=_axis(table.rows, table.index),
        columns=_axis(table.columns, table.header),
    )


def _whose(cells: pd.DataFrame) -> dict[str, str]:
    """Say by detector whose weights its cells have, the best where there are several kinds."""
    # The best kind comes last, and so stays where a detector has several.
    found = dict.fromkeys(zip(cells["detector"], cells["weights"], strict=True))
    return dict(sorted(found, key=lambda pair: -_WHOSE.index(pair[1])))


def _rates_by_name(table: PaperTable, cells: pd.DataFrame) -> pd.DataFrame:
    """Take the sign of one label off the cells of which a table asks for the rate of that label alone.

    It warns of a rate under the name of accuracy; here the paper names the rate, and may well average it.
    """
    asked: dict[Key, set[str]] = {}
    for cell in table.cells():
        asked.setdefault(key(cell, CELL_AND_CLASS), set()).add(cell["metric"])
    signs = [
        line["marks"].replace(marks.ONE_LABEL, "")
        if asked[key(line, CELL_AND_CLASS)] <= {"real_acc", "fake_acc"}
        else line["marks"]
        for line in as_dicts(cells, [*CELL_AND_CLASS, "marks"])
    ]
    return cells.assign(marks=signs)


def _fill(table: PaperTable, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put every cell's number where the paper prints it, then what is made of them; and, alike, the signs.

    A mean over anything blank is blank, and so is one over a test set of one label: see `_rates_by_name`.
    """
    by_key = {key(cell, CELL_AND_CLASS): cell for cell in as_dicts(cells)}
    frame, signs = empty(table), empty(table).astype(object).fillna("")
    alone: dict[tuple[int, int], float] = {}
    for (r, row), (c, column) in product(enumerate(table.rows), enumerate(table.columns)):
        wanted = table.behind(row, column)
        found = [by_key[place] for one in wanted if (place := key(one, CELL_AND_CLASS)) in by_key]
        if not found or len(found) < len(wanted):
            continue
        metric = wanted[0]["metric"]
        values = pd.Series([100 * cell[metric] for cell in found])
        signs.iat[r, c] = sign = marks.together(cell["marks"] for cell in found)
        if marks.ONE_LABEL not in sign:
            frame.iat[r, c] = TAKES[column.take](values) if column.over else values[0]
        elif not column.over:
            alone[r, c] = values[0]  # put in after the means, which it must not enter
    # The mean of what the paper averages: where one of these was not run, there is no such mean.
    frame = _summed_up(table, frame, TAKES)
    for (r, c), value in alone.items():
        frame.iat[r, c] = value
    return frame, _summed_up(table, signs, dict.fromkeys(TAKES, marks.together))


def _summed_up(table: PaperTable, frame: pd.DataFrame, takes: Mapping[str, _Take]) -> pd.DataFrame:
    """Fill the columns, then the rows, that sum up others, with what functions make of those."""
    for c, column in enumerate(table.columns):
        if column.sums_up:
            same = table.summed_up(column)
            frame.isetitem(c, [takes[column.take](frame.iloc[r, same]) for r in range(len(frame))])
    # Rows come after columns: where both meet, a mean of means is a mean over all, for each has as many.
    single = [r for r, row in enumerate(table.rows) if not row.sums_up]
    for r, row in enumerate(table.rows):
        if row.sums_up:
            made = [takes[row.take](frame.iloc[single, c]) for c in range(len(table.columns))]
            frame.iloc[r] = made
    return frame


def _remarks(table: PaperTable, cells: pd.DataFrame) -> Iterator[str]:
    """Say how much of a table is blank, and which detector was measured for which printed rows or columns."""
    needed = {key(cell, CELL_AND_CLASS) for cell in table.cells()}
    lacking = len(needed) - len(cells)
    if lacking:
        yield (
            f"Blank: {lacking} of {len(needed)} cells were not run "
            f"('bench run --experiment {table.name}' runs what is lacking)."
        )
    unknown = [
        row
        for row in table.rows
        if not row.sums_up and not any(map(partial(table.behind, row), table.columns))
    ]
    if unknown:
        yield f"As published only, for no detector here is that: {', '.join(map(_words, unknown))}."
    run = set(cells["detector"])
    labels: dict[str, list[str]] = {}
    for line in (*table.rows, *table.columns):  # some papers have a column for each detector
        if line.cell.get("detector") in run:
            labels.setdefault(line.cell["detector"], []).append(_words(line))
    if labels:
        pairs = (f"{', '.join(those)} = {name}" for name, those in labels.items())
        yield f"Measured: {'; '.join(pairs)}."


def _words(line: Heading) -> str:
    """Write a label of several levels in one line."""
    return " ".join(filter(None, line.label))


def _axis(
    lines: tuple[Heading, ...], names: tuple[str, ...], whose: Mapping[str, str] | None = None
) -> pd.Index[Any]:
    """Make an index from labels, with whose weights a line's detector has."""
    kinds = [(whose or {}).get(line.cell.get("detector", "")) for line in lines]
    labels = [
        (f"{line.label[0]} ({kind})", *line.label[1:]) if kind else line.label
        for line, kind in zip(lines, kinds, strict=True)
    ]
    return labels_of(list(zip(*labels, strict=True)), names)
