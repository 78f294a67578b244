"""Accuracy and average precision side by side, generator by generator."""

from __future__ import annotations

import pandas as pd

from forenbench.metrics.metric_values import labelled

from . import marks, means, realsources
from .cell_frame import MEAN, ROW, TESTSET, as_dicts, framed, grouped, in_order, key, several
from .notes import drawn_by_origin, notes_on
from .table import Table


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then, over the test sets
    with both labels, their unweighted mean and that of balanced accuracy, the deviations of these, and the
    worst A.P. with its test set. A detector that lacks one of these gets no mean, rather than one over easier
    cells.
    """
    metrics, summed = labelled("acc", "ap"), labelled("acc", "ap", "bacc")
    row, testset = several(cells, ROW), several(cells, TESTSET)
    columns = [*row, *testset]
    found = {key(cell, columns): cell for cell in as_dicts(cells, [*columns, *metrics.values(), "marks"])}
    # What was not run is blank: each detector keeps its row, and each generator its columns.
    rows, nothing = in_order(cells, row), {"marks": "", **dict.fromkeys(metrics.values(), float("nan"))}
    table: dict[tuple[str, ...], list[tuple[object, str]]] = {}
    for where in in_order(cells, testset):
        behind = [found.get((*one, *where), nothing) for one in rows]
        for label, metric in metrics.items():
            table[*where, label] = [(100 * cell[metric], cell["marks"]) for cell in behind]
    # Without a level for datasets, the name of what is over them is that of the last level alone.
    above = MEAN[: len(testset) - 1]
    for name, take in ((MEAN[-1], means.mean), ("Std. dev.", means.deviation)):
        for label, metric in summed.items():
            values = means.macro(cells, row, metric, take)
            table[*above, name, label] = [values.get(one, means.NO_MEAN) for one in rows]
    some = means.averaged(cells)
    groups, wanted = grouped(as_dicts(some), row), len(in_order(some, TESTSET))
    worst = [means.worst(groups.get(one, []), "ap", wanted) for one in rows]
    table[*above, "Worst", "A.P."] = [(100 * cell.get("ap", float("nan")), signs) for cell, _, signs in worst]
    table[*above, "Worst", "on"] = [(where, "") for _, where, _ in worst]
    frame, signs = framed(table, rows, row, *testset, "metric")
    notes = [*notes_on(cells)]
    # There is no room for an interval beside each number of so wide a table.
    width = (cells["ap_high"] - cells["ap_low"]).mul(100) if "ap_low" in cells else pd.Series(dtype=float)
    if width.notna().any():
        notes.append(
            f"95 % intervals of A.P. are {width.median():.1f} points wide at the median, "
            f"{width.max():.1f} at most: 'bench table cells'."
        )
    notes += (*drawn_by_origin(cells), *realsources.widest(cells), *marks.remarks(cells))
    title = "Accuracy and average precision (%) by generator"
    return Table("acc-ap", title, frame, tuple(notes), marks=signs)
