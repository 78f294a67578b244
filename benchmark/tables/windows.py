"""AI-GenBench's sliding windows: detectors trained up to some generators, tested on those that came next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from forenbench.data.descriptions import specs
from forenbench.errors import BenchError
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import decimals, in_title, percent

from . import marks
from .cell_frame import TESTSET, as_dicts, framed, grouped, in_order, several
from .means import averaged
from .notes import notes_on
from .release_calendar import calendar
from .table import NothingToShow, Table

_SIZE = 4
"""Generators of a window: AI-GenBench cuts its 36 into nine."""
_NOTE = (
    f"A window is {_SIZE} generators in the order of their release (a description's table [released]); its "
    "{} is their mean. Trained to: the window of the newest generator that the detector states it was "
    "trained on (0: before the first); next: the one after. AI-GenBench's number is the mean of 'next' over "
    "one network trained anew up to each window, on pictures that its chain has degraded; this is not that."
)


def table(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out each detector's mean AUROC by window, with the next one after its training first.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: A metric in place of AUROC.

    Returns:
        A row for each detector and dataset. Columns: ``trained to``, the number of a window (a text, empty
        where it is not known); ``next``, the AUROC there; then that of each window, in percent. NaN where not
        all of a window's generators were scored, or where there is no next one.

    Raises:
        NothingToShow: No dataset has two windows.
        BenchError: Several metrics are chosen.
    """
    if len(chosen) > 1:
        raise BenchError(f"table 'windows' is of one metric, not {len(chosen)}: {', '.join(chosen)}")
    (metric,) = chosen or ("auroc",)
    known, dated = specs(), calendar(cells)
    windows = {
        name: cut(known[name].released)
        for name in dict.fromkeys(cells["dataset"])
        if name in known and len(known[name].released) >= 2 * _SIZE
    }
    row = several(cells, ["perturbation", "detector", "weights", "dataset"])
    shown = averaged(cells[cells["dataset"].isin(list(windows))])
    if shown.empty:
        raise NothingToShow(f"no dataset has {2 * _SIZE} generators with a date of release, and both labels")
    columns: dict[str, list[tuple[object, str]]] = {}
    names = ["trained to", "next", *map(str, range(1, 1 + max(map(len, windows.values()))))]
    groups = grouped(as_dicts(shown), row)
    for group in groups.values():
        some = windows[group[0]["dataset"]]
        released = known[group[0]["dataset"]].released
        newest = dated.trained[group[0]["detector"], group[0]["weights"]]
        # How many windows had begun when the newest generator of the training was released.
        to = None if newest is None else sum(released[window[0]] <= newest for window in some)
        means = [_mean(window, group, metric) for window in some]
        line: list[tuple[object, str]] = [("" if to is None else str(to), "")]
        line.append((nan, "") if to is None or to >= len(means) else means[to])
        for name, entry in zip(names, [*line, *means, *[(nan, "")] * len(names)], strict=False):
            columns.setdefault(name, []).append(entry)
    frame, signs = framed(columns, groups, row)
    notes = (
        _NOTE.format(METRICS[metric].label),
        *_remarks(windows, shown),
        *notes_on(shown),
        *marks.remarks(shown),
    )
    title = f"Mean {in_title([metric])} by window of generators"
    return Table("windows", title, frame, notes, decimals([metric]), marks=signs)


def cut(released: Mapping[str, date]) -> list[list[str]]:
    """Cut a dataset's generators into windows, in the order of release."""
    # the name decides between two of one day, so that the order is the same in every description
    ordered = sorted(released, key=lambda name: (released[name], name))
    return [ordered[at : at + _SIZE] for at in range(0, len(ordered), _SIZE)]


def _mean(window: Sequence[str], group: Sequence[Mapping[str, Any]], metric: str) -> tuple[float, str]:
    """Average a metric over a window, with the signs of what it rests on; NaN where one is missing."""
    found = {cell["testset"]: cell for cell in group if cell["testset"] in window}
    if len(found) < len(window):
        return nan, ""
    mean = float(np.mean([cell[metric] for cell in found.values()]))
    return percent(metric) * mean, marks.together(cell["marks"] for cell in found.values())


def _remarks(windows: Mapping[str, Sequence[Sequence[str]]], cells: pd.DataFrame) -> Iterator[str]:
    """Say what each window is, and what keeps some blank."""
    scored = set(in_order(cells, TESTSET))
    for dataset, some in windows.items():
        listed = "; ".join(f"{number}: {', '.join(window)}" for number, window in enumerate(some, 1))
        yield f"Windows of {dataset}: {listed}."
        lacking = [name for window in some for name in window if (dataset, name) not in scored]
        if lacking:
            yield f"Blank windows: nobody was run on {', '.join(lacking)} of {dataset} with both labels."
