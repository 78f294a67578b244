"""Each detector over all its test sets: means in two ways, and the generator it does worst on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from forenbench.metrics.bootstrap import average
from forenbench.metrics.rounding import lowest
from forenbench.metrics.spread import interval, witnesses

from . import marks, realsources
from .cell_frame import ROW, as_dicts, several
from .notes import notes_on
from .table import Table

_Entry: TypeAlias = tuple[object, float, float]
"""A value, and the ends of its interval; what is undefined is NaN."""
_NAN = float("nan")
_UNDEFINED: _Entry = (_NAN, _NAN, _NAN)


def table(cells: pd.DataFrame) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Columns, all over test sets with both labels: how many these are, and the images behind the metrics;
        accuracy and AP averaged over test sets (macro); accuracy over all images (micro: large test sets
        count more, and reals that several share count for each); the lowest AP, and where; in percent. Means
        of a detector that lacks a test set which any cell has, or a value on one, are NaN.
    """
    row = several(cells, ROW)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    testsets = set()
    for cell in as_dicts(cells):
        group = groups.setdefault(tuple(cell[name] for name in row), [])
        if cell["reals"] and cell["fakes"]:  # see `forenbench.tables.means.averaged`
            testsets.add((cell["dataset"], cell["testset"]))
            group.append(cell)
    index = pd.MultiIndex.from_tuples(groups, names=row)
    lines = [_sum_up(group, len(testsets)) for group in groups.values()]
    values, low, high = (
        pd.DataFrame([{name: entry[at] for name, entry in line.items()} for line in lines], index)
        for at in range(3)
    )
    signs = {}
    for name in values:
        signs[name] = [""] * len(index)
        if name not in ("test sets", "images", "worst on"):
            signs[name] = [marks.together(cell["marks"] for cell in group) for group in groups.values()]
    # The worst value has the signs of its own cell alone, but for one: where any cell is not whole, another
    # cell might have been the worst.
    signs["A.P., worst"] = [
        marks.together(
            [
                group[lowest([cell["ap"] for cell in group])]["marks"],
                *(marks.PARTIAL for cell in group if marks.PARTIAL in cell["marks"]),
            ]
        )
        if group
        else ""
        for group in groups.values()
    ]
    title = "Each detector over all test sets (%), with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *marks.remarks(cells))
    return Table("summary", title, values, notes, low=low, high=high, marks=pd.DataFrame(signs, index))


def _sum_up(group: Sequence[Mapping[str, Any]], wanted: int) -> dict[str, _Entry]:
    """Sum up one detector's cells of test sets with both labels, of which so many are wanted."""
    worst, where = _UNDEFINED, ""
    if len(group) == wanted and group and not any(isnan(cell["ap"]) for cell in group):
        cell = group[lowest([cell["ap"] for cell in group])]
        worst = tuple(100 * cell.get(name, _NAN) for name in ("ap", "ap_low", "ap_high"))
        datasets = {cell["dataset"] for cell in group}
        where = f"{cell['dataset']}/{cell['testset']}" if len(datasets) > 1 else cell["testset"]
    counted = [cell["real"] + cell["fake"] for cell in group]
    return {
        "test sets": (len(group), _NAN, _NAN),
        "images": (sum(counted), _NAN, _NAN),
        "Acc., macro": _mean(group, wanted, "acc"),
        "Acc., micro": _mean(group, wanted, "acc", counted),
        "A.P., macro": _mean(group, wanted, "ap"),
        "A.P., worst": worst,
        "worst on": (where, _NAN, _NAN),
    }


def _mean(
    group: Sequence[Mapping[str, Any]], wanted: int, metric: str, weights: Sequence[int] | None = None
) -> _Entry:
    """Average a metric over test sets, with the interval of the mean."""
    values = [cell[metric] for cell in group]
    if not group or len(group) < wanted or np.isnan(values).any():
        return _UNDEFINED
    mean = float(np.average(values, weights=weights))
    drawn = average([cell["replicates"] for cell in group], metric, weights)
    low, high = interval(drawn, mean, witnesses(group))
    return 100 * mean, 100 * low, 100 * high
