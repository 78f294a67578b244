"""Accuracy and average precision side by side, generator by generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import pandas as pd

from forenbench.metrics.metric_values import decimals, in_title, labelled

from . import marks, means, realsources
from .cell_frame import MEAN, ROW, TESTSET, as_dicts, framed, grouped, in_order, key, several
from .notes import drawn_by_origin, notes_on
from .table import Table


def accuracy_and_precision(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then, over the test sets
    with both labels, their unweighted mean and that of balanced accuracy, the deviations of these, and the
    worst A.P. with its test set. A detector that lacks one of these gets no mean, rather than one over easier
    cells.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of these; the last of them has a worst test set.
    """
    metrics, summed = labelled(*(chosen or ("acc", "ap"))), labelled(*(chosen or ("acc", "ap", "bacc")))
    last, worst_of = list(metrics.items())[-1]
    row, testset = several(cells, ROW), several(cells, TESTSET)
    columns = [*row, *testset]
    found = {key(cell, columns): cell for cell in as_dicts(cells)}
    # What was not run is blank: each detector keeps its row, and each generator its columns.
    rows = in_order(cells, row)
    table: dict[tuple[str, ...], list[tuple[object, float, float, str]]] = {}
    for where in in_order(cells, testset):
        behind = [found.get((*one, *where)) for one in rows]
        for label, metric in metrics.items():
            table[*where, label] = [means.entry(cell, metric) if cell else means.NO_MEAN for cell in behind]
    # Without a level for datasets, the name of what is over them is that of the last level alone.
    above = MEAN[: len(testset) - 1]
    for name, take in ((MEAN[-1], means.mean), ("Std. dev.", means.deviation)):
        for label, metric in summed.items():
            values = means.macro(cells, row, metric, take)
            table[*above, name, label] = [values.get(one, means.NO_MEAN) for one in rows]
    some = means.averaged(cells)
    groups, wanted = grouped(as_dicts(some), row), len(in_order(some, TESTSET))
    worst = [means.worst(groups.get(one, []), worst_of, wanted) for one in rows]
    table[*above, "Worst", last] = [
        means.entry({**cell, "marks": signs}, worst_of) if cell else means.NO_MEAN for cell, _, signs in worst
    ]
    table[*above, "Worst", "on"] = [(where, nan, nan, "") for _, where, _ in worst]
    frame, low, high, signs = framed(table, rows, row, *testset, "metric")
    notes = [*notes_on(cells)]
    # There is no room for an interval beside each number of so wide a table.
    width = pd.Series(dtype=float)
    if "A.P." in metrics and "ap_low" in cells:
        width = (cells["ap_high"] - cells["ap_low"]).mul(100)
    if width.notna().any():
        notes.append(
            f"95 % intervals of A.P. are {width.median():.1f} points wide at the median, "
            f"{width.max():.1f} at most: 'bench table cells'."
        )
    notes += (*drawn_by_origin(cells), *realsources.widest(cells), *marks.remarks(cells))
    what = in_title(chosen) if chosen else "Accuracy and average precision (%)"
    table_of = Table("acc-ap", f"{what} by generator", frame, tuple(notes), decimals(chosen))
    return replace(table_of, low=low, high=high, marks=signs, crowded=True)
