"""Each detector over all its test sets: means in two ways, and the generator it does worst on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forenbench.metrics.bootstrap import average
from forenbench.metrics.rounding import lowest
from forenbench.metrics.spread import interval, witnesses

from . import marks, realsources
from .cell_frame import ROW, TESTSET, drop_single
from .means import averaged
from .notes import notes_on
from .table import Table


class _Entry(NamedTuple):
    """A value, and the ends of its interval; what is undefined is NaN."""

    value: object = float("nan")
    low: float = float("nan")
    high: float = float("nan")


def table(cells: pd.DataFrame) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator."""
    title = "Each detector over all test sets (%), with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *marks.remarks(cells))
    whole, *ends = _lay_out(cells)
    signs = _signs(cells, whole)
    values, low, high = map(drop_single, (whole, *ends))
    return Table("summary", title, values, notes, low=low, high=high, marks=drop_single(signs))


def _lay_out(cells: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Sum up rows of one detector, in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Values, and the lower and the upper ends of their intervals, in frames of one shape. Columns, all over
        test sets with both labels: how many these are, and the images behind the metrics; accuracy and AP
        averaged over test sets (macro); accuracy over all images (micro: large test sets count more, and
        reals that several share count for each); the lowest AP, and where. Means of a detector that lacks a
        test set which any cell has, or a value on one, are NaN.
    """
    wanted = len(averaged(cells)[TESTSET].drop_duplicates())
    groups = dict(iter(cells.groupby(ROW, sort=False)))
    index = pd.MultiIndex.from_tuples(groups, names=ROW)
    lines = [_sum_up(averaged(group), wanted) for group in groups.values()]
    frames = (
        pd.DataFrame([{name: entry[part] for name, entry in line.items()} for line in lines], index)
        for part in range(3)
    )
    return tuple(frames)


def _signs(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Mark the numbers that `_lay_out` returns: means as all cells behind them, the worst value as its own.

    Where any cell is not whole another one might have been the worst, so that it has the sign for this too.
    """
    found, worst = marks.of_rows(averaged(cells), frame), {}
    for row, group in averaged(cells).groupby(ROW, sort=False):
        partial = marks.PARTIAL * (marks.PARTIAL in marks.together(group["marks"]))
        worst[row] = marks.together([_worst(group)["marks"], partial])
    return found.assign(**{"A.P., worst": [worst.get(row, "") for row in frame.index]})


def _worst(group: pd.DataFrame) -> pd.Series[Any]:
    """Return the cell with the lowest AP, of equal ones the first."""
    return group.iloc[lowest(group["ap"].tolist())]


def _sum_up(group: pd.DataFrame, wanted: int) -> dict[str, _Entry]:
    """Sum up one detector's cells, of which so many are wanted."""
    worst, place = _Entry(), ""
    if len(group) and len(group) == wanted and group["ap"].notna().all():
        worst_cell, several = _worst(group), group["dataset"].nunique() > 1
        worst = _Entry(*(100 * worst_cell.get(name, float("nan")) for name in ("ap", "ap_low", "ap_high")))
        place = f"{worst_cell['dataset']}/{worst_cell['testset']}" if several else worst_cell["testset"]
    group = group.assign(counted=group["real"] + group["fake"])
    return {
        "test sets": _Entry(len(group)),
        "images": _Entry(int(group["counted"].sum())),
        "Acc., macro": _mean(group, wanted, "acc"),
        "Acc., micro": _mean(group, wanted, "acc", "counted"),
        "A.P., macro": _mean(group, wanted, "ap"),
        "A.P., worst": worst,
        "worst on": _Entry(place),
    }


def _mean(group: pd.DataFrame, wanted: int, metric: str, weight: str | None = None) -> _Entry:
    """Average a metric over test sets, with the interval of the mean."""
    if not len(group) or len(group) < wanted or group[metric].isna().any():
        return _Entry()
    weights = None if weight is None else group[weight].tolist()
    mean = float(np.average(group[metric], weights=weights))
    number = witnesses(group[["real", "fake", "origins"]].to_dict("records"))
    low, high = interval(average(group["replicates"], metric, weights), mean, number)
    return _Entry(100 * mean, 100 * low, 100 * high)
