"""Means over test sets, deviations and the worst: which cells they may rest on, and when there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from forenbench.metrics.bootstrap import average
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import percent
from forenbench.metrics.rounding import lowest
from forenbench.metrics.spread import NONE, SHARE, interval, witnesses

from .cell_frame import TESTSET, Key, as_dicts, grouped, in_order, key
from .marks import PARTIAL, together

if TYPE_CHECKING:
    import pandas as pd

Entry: TypeAlias = tuple[float, float, float, str]
"""A number, the ends of its 95 % interval and its signs; NaN and nothing where there is none."""
_NAN = float("nan")
NO_MEAN: Entry = (_NAN, _NAN, _NAN, "")
"""In place of a mean."""


def entry(cell: Mapping[str, Any], metric: str) -> Entry:
    """Return a cell's value of a metric, as tables print it."""
    value, low, high = (percent(metric) * cell.get(f"{metric}{end}", _NAN) for end in ("", "_low", "_high"))
    return value, low, high, cell["marks"]


def averaged(cells: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells that means may rest on: those of test sets with both labels.

    Accuracy on fakes alone is a true positive rate, and on reals alone a true negative rate: in a mean
    called accuracy it would reward a detector that gives one answer to everything.
    """
    return cells[(cells["reals"] > 0) & (cells["fakes"] > 0)]


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation over test sets, in the unit of the values; NaN for fewer than two.

    That of a sample (n - 1), as papers print it beside their means: the generators are some of many.
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def mean(values: Sequence[float]) -> float:
    """Return the mean over test sets, each counting once."""
    return float(np.mean(values))


def macro(
    cells: pd.DataFrame,
    row: Sequence[str],
    metric: str,
    take: Callable[[Sequence[float]], float] = mean,
) -> dict[Key, Entry]:
    """Average a metric over test sets with both labels, each counting once; shares in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        row: The columns that tell rows apart.
        metric: Its column.
        take: What is made of the values in place of their mean.

    Returns:
        One mean a row, by the values of these columns; NaN, or nothing, for a row that lacks a test set which
        any has, or a value on one. Only a mean, and of metrics whose replicates are kept, has an interval.
    """
    some = averaged(cells)
    # A row that was not run on a hard test set must not look better for it: it gets no mean at all.
    wanted, found, scale = len(in_order(some, TESTSET)), dict[Key, Entry](), percent(metric)
    columns = [*row, metric, "marks", "replicates", "real", "fake", "origins"]
    for name, group in grouped(as_dicts(some, columns), row).items():
        low, high = NONE
        if take is mean:
            value, low, high = with_interval(group, wanted, metric, METRICS[metric].bounds)
        else:
            value = take([cell[metric] for cell in group]) if len(group) == wanted else _NAN
        found[name] = scale * value, scale * low, scale * high, together(cell["marks"] for cell in group)
    return found


def with_interval(
    group: Sequence[Mapping[str, Any]], wanted: int, metric: str, bounds: tuple[float, float] = SHARE
) -> tuple[float, float, float]:
    """Average a metric over test sets, with the ends of the interval of the mean; NaN for what is undefined.

    Args:
        group: One detector's cells, of test sets with both labels.
        metric: A column.
        wanted: On how many test sets it must have a value.
        bounds: The metric's range.
    """
    values = [cell.get(metric, float("nan")) for cell in group]
    if not group or len(group) < wanted or np.isnan(values).any():
        return float("nan"), *NONE
    value = mean(values)
    # The interval of a mean is no mean of intervals: replicates are averaged, one by one.
    drawn = average([cell["replicates"] for cell in group], metric)
    return value, *interval(drawn, value, witnesses(group), bounds)


def worst(cells: Sequence[dict[str, Any]], metric: str, wanted: int) -> tuple[Mapping[str, Any], str, str]:
    """Find the test set on which a detector does worst, of equally bad ones the first.

    Args:
        cells: Its cells, of test sets with both labels.
        metric: A column.
        wanted: On how many test sets it must have a value: one that it was not run on might be worse.

    Returns:
        The cell there, its name (with its dataset, where there are several) and signs; without one, blanks.
    """
    values = [cell[metric] for cell in cells]
    if not cells or len(cells) < wanted or np.isnan(values).any():
        return {}, "", ""
    is_low_bad = not METRICS[metric].lower_is_better
    cell = cells[lowest([value if is_low_bad else -value for value in values])]
    datasets = {one["dataset"] for one in cells}
    # Where any cell is not whole, another cell might have been the worst.
    partial = [PARTIAL for one in cells if PARTIAL in one["marks"]]
    return (
        cell,
        "/".join(key(cell, TESTSET if len(datasets) > 1 else TESTSET[1:])),
        together([cell["marks"], *partial]),
    )
