"""Accuracy and average precision side by side, generator by generator."""

from __future__ import annotations

import pandas as pd

from forenbench.metrics.metric_values import labelled

from . import marks, means, realsources
from .cell_frame import MEAN, ROW, TESTSET, as_dicts, in_order, several
from .notes import drawn_by_origin, notes_on
from .table import Table


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then their unweighted
    mean over the test sets with both labels. A detector that lacks one of these gets no mean, rather than
    one over easier cells.
    """
    metrics = labelled("acc", "ap")
    row, testset = several(cells, ROW), several(cells, TESTSET)
    found = {
        tuple(cell[name] for name in (*row, *testset)): cell
        for cell in as_dicts(cells, [*row, *testset, *metrics.values(), "marks"])
    }
    rows, nothing = in_order(cells, row), {"marks": "", **dict.fromkeys(metrics.values(), float("nan"))}
    numbers, signs = {}, {}
    for where in in_order(cells, testset):
        for label, metric in metrics.items():
            behind = [found.get((*key, *where), nothing) for key in rows]
            numbers[*where, label] = [100 * cell[metric] for cell in behind]
            signs[*where, label] = [cell["marks"] for cell in behind]
    mean = MEAN[-len(testset) :]
    marked = means.signs(cells, row)
    for label, metric in metrics.items():
        values = means.macro(cells, row, metric)
        numbers[*mean, label] = [values.get(key, float("nan")) for key in rows]
        signs[*mean, label] = [marked.get(key, "") for key in rows]
    index = pd.MultiIndex.from_tuples(rows, names=row)
    frames = [pd.DataFrame(columns, index) for columns in (numbers, signs)]
    for frame in frames:
        frame.columns.names = [*testset, "metric"]
    notes = [*notes_on(cells)]
    width = (cells["ap_high"] - cells["ap_low"]).mul(100) if "ap_low" in cells else pd.Series(dtype=float)
    if width.notna().any():
        notes.append(
            f"95 % intervals of A.P. are {width.median():.1f} points wide at the median, "
            f"{width.max():.1f} at most: 'bench table cells'."
        )
    notes += (*drawn_by_origin(cells), *realsources.widest(cells), *marks.remarks(cells))
    title = "Accuracy and average precision (%) by generator"
    return Table("acc-ap", title, frames[0], tuple(notes), marks=frames[1])
