"""Published numbers, transcribed: the papers' tables as printed, and beside measured ones."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from itertools import product

import pandas as pd

from .paper import PaperTable
from .papers import empty, folder
from .table import Table


def published(table: PaperTable) -> pd.DataFrame:
    """Return the published numbers in percent, in the table's layout; NaN where none is at hand."""
    lines = {tuple(line[name] for name in table.index): line for line in _csv(table.name)}
    frame = empty(table)
    for (r, row), (c, column) in product(enumerate(table.rows), enumerate(table.columns)):
        frame.iat[r, c] = float(lines[row.label][" ".join(filter(None, column.label))] or "nan")
    return frame


def published_table(table: PaperTable) -> Table:
    """Return the table as published, with what is known of its numbers' origin and errors."""
    rows: dict[str, list[str]] = {}
    for line in _csv(table.name):
        rows.setdefault(line["source"], []).append(" ".join(line[name] for name in table.index))
    # Papers quote each other: a row may have been read elsewhere than in the paper of the table.
    origins = (
        f"Numbers {'of ' + '; '.join(labels) + ' ' if len(rows) > 1 else ''}from: {origin}."
        for origin, labels in rows.items()
    )
    notes = (*table.notes, *origins, *_misprints(table))
    return Table(table.name, table.heading, published(table), notes, table.decimals)


def misprinted() -> list[dict[str, str]]:
    """List printed numbers that are not what other printed numbers make them.

    Returns:
        table (name of a CSV), row, column, printed, recomputed, what: what was recomputed, in words such as
        "the mean of its row", or where another number is in print.
    """
    return _csv("misprinted")


def against_published(table: PaperTable, measured: Table) -> Table:
    """Put measured, published and their difference side by side below each column.

    Differences are those of the printed numbers: the measured one is rounded first.
    """
    # Who compares by eye compares what is printed: rounding is no difference.
    ours = measured.frame.map(lambda value: float(f"{value:.{table.decimals}f}"))
    theirs = published(table).set_axis(ours.index).set_axis(ours.columns, axis=1)  # labels say whose weights
    kinds = {"measured": ours, "published": theirs, "difference": ours - theirs}
    frame = pd.DataFrame(
        {
            (*(label if isinstance(label, tuple) else (label,)), kind): values.iloc[:, c]
            for c, label in enumerate(ours.columns)
            for kind, values in kinds.items()
        }
    )
    frame.columns.names = [*table.header, ""]
    signs = None
    if measured.marks is not None:
        # Of each three columns the first and the last rest on what was measured here; the paper's does not.
        signs = pd.DataFrame("", frame.index, frame.columns)
        signs.iloc[:, ::3] = signs.iloc[:, 2::3] = measured.marks.to_numpy()
    # Means would count the same differences a second time.
    values = kinds["difference"].to_numpy()
    apart = [
        (float(values[r, c]), ", ".join(filter(None, [*row.label, *column.label])))
        for (r, row), (c, column) in product(enumerate(table.rows), enumerate(table.columns))
        if not (row.sums_up or column.sums_up or column.take == "sd") and not math.isnan(values[r, c])
    ]
    summary = "Compared: no number is both measured and published."
    if apart:
        mean = sum(abs(value) for value, _ in apart) / len(apart)
        largest, where = max(apart, key=lambda found: abs(found[0]))
        summary = (
            f"Compared: {len(apart)} numbers (means not counted), mean absolute difference "
            f"{mean:.{table.decimals + 1}f}, largest {largest:+.{table.decimals}f} ({where})."
        )
    notes = (summary, *_misprints(table), *measured.notes)
    title = f"{measured.title}: measured against published"
    return Table(table.name, title, frame, notes, table.decimals, signed="difference", marks=signs)


def _misprints(table: PaperTable) -> Iterator[str]:
    """Word what is wrong in the printed table, what is wrong alike in one row together."""
    alike: dict[tuple[str, str], list[dict[str, str]]] = {}
    for wrong in misprinted():
        if wrong["table"] == table.name:
            alike.setdefault((wrong["row"], wrong["what"]), []).append(wrong)
    for (row, what), wrongs in alike.items():
        columns, printed, recomputed = (
            ", ".join(wrong[name] for wrong in wrongs) for name in ("column", "printed", "recomputed")
        )
        verb = "is" if len(wrongs) == 1 else "are"
        yield f"{columns} of {row} {verb} printed {printed}; {what}: {recomputed}."


def _csv(name: str) -> list[dict[str, str]]:
    """Read one CSV file of published numbers, as text."""
    text = (folder() / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
