"""Accuracy and average precision side by side, generator by generator."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from forenbench.metrics.metric_values import labelled

from . import marks, means, realsources
from .cell_frame import ROW, TESTSET, drop_single, in_order
from .notes import drawn_by_origin, notes_on
from .table import Table


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then their unweighted
    mean over the test sets with both labels. A detector that lacks one of these gets no mean, rather than
    one over easier cells.
    """
    metrics = labelled("acc", "ap")
    places = in_order(cells, TESTSET)
    wide = cells.pivot(index=ROW, columns=TESTSET, values=[*metrics.values(), "marks"])
    values = {(*place, name): wide[(key, *place)] * 100 for place in places for name, key in metrics.items()}
    values |= {("", "Mean", name): means.macro(cells, ROW, key) for name, key in metrics.items()}
    signs = {(*place, name): wide[("marks", *place)] for place in places for name in metrics}
    signs |= {("", "Mean", name): means.signs(cells, ROW) for name in metrics}
    frames = [pd.DataFrame(one).reindex(in_order(cells, ROW)) for one in (values, signs)]
    for frame in frames:
        frame.columns.names = [*TESTSET, "metric"]
        frame.index.names = ROW
    title = "Accuracy and average precision (%) by generator"
    notes = (*notes_on(cells), *_how_sure(cells))
    numbers, marked = map(drop_single, frames)
    return Table("acc-ap", title, numbers.astype(float), notes, marks=marked.fillna(""))


def _how_sure(cells: pd.DataFrame) -> Iterator[str]:
    """Say how wide intervals are, how far real sources are apart, and what was seen in training."""
    width = (cells["ap_high"] - cells["ap_low"]).mul(100) if "ap_low" in cells else pd.Series(dtype=float)
    if width.notna().any():
        yield (
            f"95 % intervals of A.P. are {width.median():.1f} points wide at the median, "
            f"{width.max():.1f} at most: 'bench table cells'."
        )
    yield from drawn_by_origin(cells)
    yield from realsources.widest(cells)
    yield from marks.remarks(cells)
