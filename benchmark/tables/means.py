"""Means over test sets: which cells they may rest on, and when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .cell_frame import TESTSET, as_dicts, in_order
from .marks import by_row

if TYPE_CHECKING:
    import pandas as pd


def averaged(cells: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells that means may rest on: those of test sets with both labels.

    Accuracy on fakes alone is a true positive rate, and on reals alone a true negative rate: in a mean
    called accuracy it would reward a detector that gives one answer to everything.
    """
    return cells[(cells["reals"] > 0) & (cells["fakes"] > 0)]


def macro(cells: pd.DataFrame, row: Sequence[str], metric: str) -> dict[tuple[str, ...], float]:
    """Average a metric over test sets with both labels, each counting once, in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        row: The columns that tell rows apart.
        metric: A column of fractions.

    Returns:
        One mean a row, by the values of these columns; NaN, or nothing, for a row that lacks a test set which
        any has, or a value on one.
    """
    some = averaged(cells)
    values: dict[tuple[str, ...], list[float]] = {}
    for cell in as_dicts(some, [*row, metric]):
        values.setdefault(tuple(cell[name] for name in row), []).append(100 * cell[metric])
    # A row that was not run on a hard test set must not look better for it: it gets no mean at all.
    wanted = len(in_order(some, TESTSET))
    return {key: float(np.mean(of)) if len(of) == wanted else float("nan") for key, of in values.items()}


def signs(cells: pd.DataFrame, row: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Return the signs of each row's means, by the values of the columns that tell rows apart."""
    return by_row(averaged(cells), row)
