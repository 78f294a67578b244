"""Means over test sets: which cells they may rest on, and when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .cell_frame import TESTSET, Key, as_dicts, grouped, in_order
from .marks import together

if TYPE_CHECKING:
    import pandas as pd

NO_MEAN = (float("nan"), "")
"""In place of a mean and its signs."""


def averaged(cells: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells that means may rest on: those of test sets with both labels.

    Accuracy on fakes alone is a true positive rate, and on reals alone a true negative rate: in a mean
    called accuracy it would reward a detector that gives one answer to everything.
    """
    return cells[(cells["reals"] > 0) & (cells["fakes"] > 0)]


def macro(cells: pd.DataFrame, row: Sequence[str], metric: str) -> dict[Key, tuple[float, str]]:
    """Average a metric over test sets with both labels, each counting once, in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        row: The columns that tell rows apart.
        metric: A column of fractions.

    Returns:
        One mean a row with its signs, by the values of these columns; NaN, or nothing, for a row that lacks a
        test set which any has, or a value on one.
    """
    some = averaged(cells)
    # A row that was not run on a hard test set must not look better for it: it gets no mean at all.
    wanted, found = len(in_order(some, TESTSET)), {}
    for name, group in grouped(as_dicts(some, [*row, metric, "marks"]), row).items():
        mean = (
            float(np.mean([100 * cell[metric] for cell in group])) if len(group) == wanted else float("nan")
        )
        found[name] = mean, together(cell["marks"] for cell in group)
    return found
