"""Each detector over all its test sets: means, how far the generators are apart, and the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from forenbench.metrics.bootstrap import average
from forenbench.metrics.metric_values import labelled
from forenbench.metrics.spread import interval, witnesses

from . import marks, realsources
from .cell_frame import ROW, TESTSET, as_dicts, framed, grouped, key, several
from .means import deviation, worst
from .notes import notes_on
from .table import Table

_NAN = float("nan")
_Interval: TypeAlias = tuple[float, float, float]
"""A value, and the ends of its interval; what is undefined is NaN."""
_NONE: _Interval = (_NAN, _NAN, _NAN)


def table(cells: pd.DataFrame) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Columns, all over test sets with both labels: how many these are, and the images behind the metrics;
        accuracy and AP averaged over test sets (macro); accuracy over all images (micro: large test sets
        count more, and reals that several share count for each); the lowest AP, and where; then balanced
        accuracy in the same way, and the deviations of the three over test sets; in percent. What a detector
        lacks that was not run on a test set which any cell has, or has no value on one, is NaN.
    """
    row = several(cells, ROW)
    # Those of test sets with both labels: see `forenbench.tables.means.averaged`.
    groups = {
        name: [cell for cell in group if cell["reals"] and cell["fakes"]]
        for name, group in grouped(as_dicts(cells), row).items()
    }
    wanted = len({key(cell, TESTSET) for group in groups.values() for cell in group})
    columns: dict[str, list[tuple[object, float, float, str]]] = {}
    for group in groups.values():
        counted = [cell["real"] + cell["fake"] for cell in group]
        signs = marks.together(cell["marks"] for cell in group)
        line: dict[str, tuple[object, float, float, str]] = {
            "test sets": (len(group), _NAN, _NAN, ""),
            "images": (sum(counted), _NAN, _NAN, ""),
            "Acc., macro": (*_mean(group, wanted, "acc"), signs),
            "Acc., micro": (*_mean(group, wanted, "acc", counted), signs),
            "A.P., macro": (*_mean(group, wanted, "ap"), signs),
            **_worst(group, wanted, "ap", "A.P., worst", "worst on"),
            "Bal. acc., macro": (*_mean(group, wanted, "bacc"), signs),
            **_worst(group, wanted, "bacc", "Bal. acc., worst", "Bal. acc. worst on"),
        }
        for label, metric in labelled("acc", "ap", "bacc").items():
            percents = [100 * cell[metric] for cell in group]
            spread = deviation(percents) if len(percents) == wanted else _NAN
            line[f"{label}, std. dev."] = spread, _NAN, _NAN, signs
        for name, entry in line.items():
            columns.setdefault(name, []).append(entry)
    values, lows, highs, marked = framed(columns, groups, row)
    title = "Each detector over all test sets (%), with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *marks.remarks(cells))
    return Table("summary", title, values, notes, low=lows, high=highs, marks=marked)


def _mean(
    group: Sequence[Mapping[str, Any]], wanted: int, metric: str, weights: Sequence[int] | None = None
) -> _Interval:
    """Average a metric over test sets, with the interval of the mean."""
    values = [cell[metric] for cell in group]
    if not group or len(group) < wanted or np.isnan(values).any():
        return _NONE
    mean = float(np.average(values, weights=weights))
    # The interval of a mean is no mean of intervals: replicates are averaged, one by one.
    drawn = average([cell["replicates"] for cell in group], metric, weights)
    low, high = interval(drawn, mean, witnesses(group))
    return 100 * mean, 100 * low, 100 * high


def _worst(
    group: Sequence[dict[str, Any]], wanted: int, metric: str, value: str, name: str
) -> dict[str, tuple[object, float, float, str]]:
    """Make two columns of the worst test set by a metric: its value with its interval, and its name."""
    cell, where, signs = worst(group, metric, wanted)
    found, low, high = (100 * cell.get(f"{metric}{end}", _NAN) for end in ("", "_low", "_high"))
    return {value: (found, low, high, signs), name: (where, _NAN, _NAN, "")}
