"""Means over test sets: which cells they may rest on, and when there is none."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .cell_frame import TESTSET
from .marks import together


def averaged(cells: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells that means may rest on: those of test sets with both labels.

    Accuracy on fakes alone is a true positive rate, and on reals alone a true negative rate: in a mean
    called accuracy it would reward a detector that gives one answer to everything.
    """
    return cells[(cells["reals"] > 0) & (cells["fakes"] > 0)]


def macro(cells: pd.DataFrame, row: list[str], metric: str) -> pd.Series[Any]:
    """Average a metric over test sets with both labels, each counting once, in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        row: The columns that tell rows apart.
        metric: A column of fractions.

    Returns:
        One mean a row; NaN, or nothing, for a row that lacks a test set which any has, or a value on one.
    """
    some = averaged(cells)
    groups = some.assign(value=some[metric] * 100).groupby(row, sort=False)["value"]
    whole = groups.size() == len(some[TESTSET].drop_duplicates())
    return groups.agg(lambda values: values.mean(skipna=False)).where(whole)


def signs(cells: pd.DataFrame, row: list[str]) -> pd.Series[Any]:
    """Return the signs of each row's means."""
    return averaged(cells).groupby(row, sort=False)["marks"].agg(together)
