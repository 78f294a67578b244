"""The papers' tables: how they are printed, which cells they need, and measured numbers in that layout.

One TOML file describes a table, layout and experiment in one; the CSV beside it (see `published`) holds
the numbers in print. A column says what its cells have in common, for instance their test set, and a row
does, for instance their detector; with what the whole table has in common that makes a cell.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from typing import Any

import pandas as pd

from forenbench.errors import BenchError
from forenbench.types import OWN, PUBLISHED, UNVERIFIED

from . import marks
from .cell_frame import CELL_AND_CLASS, as_dicts, key, one_protocol
from .notes import left_out, notes_on
from .paper import Heading, PaperTable
from .table import Table

_WHOSE = (PUBLISHED, UNVERIFIED, OWN)
"""Weights that may fill a paper's table, the best first."""


@cache  # a dozen files of several hundred lines, asked for again and again within a command
def paper_tables() -> Mapping[str, PaperTable]:
    """Read the description of every paper's table, by name."""
    found = {}
    for file in sorted(folder().iterdir(), key=lambda file: file.name):
        name, _, suffix = file.name.rpartition(".")
        if suffix == "toml":
            values = tomllib.loads(file.read_text(encoding="utf-8"))
            # A table of several metrics states each column once, and is widened here.
            common, metrics = values.get("common", {}), values.get("metrics", {"": ""})
            found[name] = PaperTable(
                name=name,
                title=values["title"],
                source=values["source"],
                decimals=values["decimals"],
                notes=tuple(values.get("notes", ())),
                index=tuple(values["index"]),
                header=tuple(values["header"]),
                rows=tuple(_heading(entry) for entry in values["rows"]),
                columns=tuple(
                    _heading({**common, **entry}, *metric)
                    for entry, metric in product(values["columns"], metrics.items())
                ),
            )
    return found


def folder() -> Traversable:
    """Return where descriptions and published numbers lie."""
    return files("forenbench.results") / "published"


def lay_out(table: PaperTable, cells: pd.DataFrame, protocol: str | None = None) -> Table:
    """Fill a paper's table with measured numbers.

    Args:
        table: One of `paper_tables`.
        cells: As `forenbench.tables.measure` returns them, called with the table's `by_class`. Of each
            detector only cells with one kind of weights count, the best of `_WHOSE`; any but the published
            ones are named in the label of its row or column.
        protocol: See `forenbench.tables.one_protocol`.

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
    chosen = one_protocol(mine, protocol)
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


def _fill(table: PaperTable, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put every cell's number where the paper prints it, then the means; and, alike, the signs.

    A mean over anything blank is blank, and so is one over a test set of one label: the paper's has no such.
    """
    by_key = {key(cell, CELL_AND_CLASS): cell for cell in as_dicts(cells)}
    frame, signs = empty(table), empty(table).astype(object).fillna("")
    single: dict[tuple[int, int], float] = {}
    for (r, row), (c, column) in product(enumerate(table.rows), enumerate(table.columns)):
        wanted = table.cell(row, column)
        if wanted and key(wanted, CELL_AND_CLASS) in by_key:
            cell = by_key[key(wanted, CELL_AND_CLASS)]
            value, signs.iat[r, c] = 100 * cell[wanted["metric"]], cell["marks"]
            if marks.ONE_LABEL in cell["marks"]:
                single[r, c] = value  # put in after the means, which it must not enter
            else:
                frame.iat[r, c] = value
    # The mean of what the paper averages: where one of these was not run, there is no such mean.
    frame = _with_means(table, frame, lambda values: values.mean(skipna=False))
    for (r, c), value in single.items():
        frame.iat[r, c] = value
    return frame, _with_means(table, signs, marks.together)


def _with_means(
    table: PaperTable, frame: pd.DataFrame, combine: Callable[[pd.Series[Any]], Any]
) -> pd.DataFrame:
    """Fill mean columns, then mean rows, with what a function makes of the others."""
    for c, column in enumerate(table.columns):
        if column.mean:
            metric = column.cell["metric"]
            same = [k for k, one in enumerate(table.columns) if not one.mean and one.cell["metric"] == metric]
            frame.isetitem(c, [combine(frame.iloc[r, same]) for r in range(len(frame))])
    # Rows come after columns: where both meet, a mean of means is a mean over all, for each has as many.
    single = [r for r, row in enumerate(table.rows) if not row.mean]
    for r, row in enumerate(table.rows):
        if row.mean:
            frame.iloc[r] = [combine(frame.iloc[single, c]) for c in range(len(table.columns))]
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
    run = set(cells["detector"])
    labels: dict[str, list[str]] = {}
    for line in (*table.rows, *table.columns):  # some papers have a column for each detector
        if line.cell.get("detector") in run:
            labels.setdefault(line.cell["detector"], []).append(" ".join(filter(None, line.label)))
    if labels:
        pairs = (f"{', '.join(those)} = {name}" for name, those in labels.items())
        yield f"Measured: {'; '.join(pairs)}."


def _axis(
    lines: tuple[Heading, ...], names: tuple[str, ...], whose: Mapping[str, str] | None = None
) -> pd.Index[Any]:
    """Make an index from labels, with whose weights a line's detector has; of one level, a plain one."""
    kinds = [(whose or {}).get(line.cell.get("detector", "")) for line in lines]
    labels = [
        (f"{line.label[0]} ({kind})", *line.label[1:]) if kind else line.label
        for line, kind in zip(lines, kinds, strict=True)
    ]
    if len(names) == 1:
        return pd.Index([label[0] for label in labels], name=names[0])
    return pd.MultiIndex.from_tuples(labels, names=names)


def _heading(entry: Mapping[str, Any], metric_label: str = "", metric: str = "") -> Heading:
    """Read a row, or a column as it is for one metric."""
    cell = {key: value for key, value in entry.items() if key not in ("label", "mean", "testset")}
    if "testset" in entry:
        cell["dataset"], _, cell["testset"] = entry["testset"].partition("/")
    if metric:
        cell["metric"] = metric
    label = (*entry["label"], metric_label) if metric else tuple(entry["label"])
    return Heading(label, cell, entry.get("mean", False))
