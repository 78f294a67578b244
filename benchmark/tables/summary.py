"""Each detector over all its test sets: means, how far the generators are apart, and the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from forenbench.metrics.bootstrap import average
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import decimals, in_title, labelled, percent
from forenbench.metrics.spread import SHARE, interval, witnesses

from . import marks, realsources
from .cell_frame import ROW, TESTSET, as_dicts, framed, grouped, key, several
from .means import deviation, entry, with_interval, worst
from .notes import notes_on
from .table import Table
from .tampered import HEADING, of_tampered

_METRICS = ("acc", "ap", "bacc")
_NAN = float("nan")
_Interval: TypeAlias = tuple[float, float, float]
"""A value, and the ends of its interval; what is undefined is NaN."""
_NONE: _Interval = (_NAN, _NAN, _NAN)


def table(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of those below; accuracy alone has a micro mean.

    Returns:
        Columns, all over test sets with both labels: how many these are, and the images behind the metrics;
        accuracy and AP averaged over test sets (macro); accuracy over all images (micro: large test sets
        count more, and reals that several share count once); the lowest AP, and where; then balanced accuracy
        in the same way, and the deviations of the three over test sets; in percent. What a detector lacks
        that was not run on a test set which any cell has, or has no value on one, is NaN.
    """
    row, metrics = several(cells, ROW), labelled(*(chosen or _METRICS))
    # Those of test sets with both labels: see `forenbench.tables.means.averaged`.
    groups = {
        name: [cell for cell in group if cell["reals"] and cell["fakes"]]
        for name, group in grouped(as_dicts(cells), row).items()
    }
    wanted = len({key(cell, TESTSET) for group in groups.values() for cell in group})
    edited = {name: of_tampered(group) for name, group in grouped(as_dicts(cells), row).items()}
    wanted_edited = len({key(cell, TESTSET) for group in edited.values() for cell in group})
    columns: dict[str, list[tuple[object, float, float, str]]] = {}
    for name, group in groups.items():
        # The labels of its test sets, each with its accuracy's name and its images; shared reals once.
        reals = {(cell["lender"] or cell["dataset"], cell["same_reals"]): cell for cell in group}
        sides = [(cell, "fake_acc", cell["fake"]) for cell in group]
        sides += ((cell, "real_acc", cell["real"]) for cell in reals.values())
        signs = marks.together(cell["marks"] for cell in group)
        line: dict[str, tuple[object, float, float, str]] = {
            "test sets": (len(group), _NAN, _NAN, ""),
            "images": (sum(number for *_, number in sides), _NAN, _NAN, ""),
        }
        for label, metric in metrics.items():
            line[f"{label}, macro"] = (*_mean(group, wanted, metric), signs)
            if metric == "acc":
                line[f"{label}, micro"] = (*_micro(group, wanted, sides), signs)
            if chosen or metric != "acc":
                cell, where, signs_of_worst = worst(group, metric, wanted)
                line[f"{label}, worst"] = entry({**cell, "marks": signs_of_worst}, metric)
                line["worst on" if metric == "ap" else f"{label} worst on"] = where, _NAN, _NAN, ""
        for label, metric in metrics.items():
            each = [percent(metric) * cell[metric] for cell in group]
            spread = deviation(each) if len(each) == wanted else _NAN
            line[f"{label}, std. dev."] = spread, _NAN, _NAN, signs
        if wanted_edited:
            line[f"{HEADING}, macro"] = (*_mean(edited[name], wanted_edited, "tampered_acc"), signs)
        for heading, numbers in line.items():
            columns.setdefault(heading, []).append(numbers)
    values, lows, highs, marked = framed(columns, groups, row)
    what = f": {in_title(chosen)}" if chosen else " (%)"
    title = f"Each detector over all test sets{what}, with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *marks.remarks(cells))
    return Table("summary", title, values, notes, decimals(chosen), low=lows, high=highs, marks=marked)


def _micro(
    group: Sequence[Mapping[str, Any]], wanted: int, sides: Sequence[tuple[Mapping[str, Any], str, int]]
) -> _Interval:
    """Average accuracy over all images, each once, with the interval of the mean."""
    if not group or len(group) < wanted or any(isnan(cell["acc"]) for cell in group):
        return _NONE
    numbers = [number for *_, number in sides]
    mean = float(np.average([cell[name] for cell, name, _ in sides], weights=numbers))
    # Under one name, by which replicates are averaged; where one has none, the mean has no interval.
    one_side = [
        {"acc": cell["replicates"][name]} if name in cell["replicates"] else {} for cell, name, _ in sides
    ]
    low, high = interval(average(one_side, "acc", numbers), mean, witnesses(group))
    return 100 * mean, 100 * low, 100 * high


def _mean(group: Sequence[Mapping[str, Any]], wanted: int, metric: str) -> _Interval:
    """Average a metric over test sets, shares in percent, with the interval of the mean."""
    # What of tampered images is called fake is no metric of the catalogue, and a share.
    scale, bounds = (percent(metric), METRICS[metric].bounds) if metric in METRICS else (100, SHARE)
    value, low, high = with_interval(group, wanted, metric, bounds)
    return scale * value, scale * low, scale * high
