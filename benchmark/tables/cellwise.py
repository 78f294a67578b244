"""Every cell of a run in a row of its own, with some of its metrics and their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd

from forenbench.metrics.metric import AUTHOR, ORACLE, Metric, ProbabilityMetric
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import decimals, in_title, percent, shown_in, why_none

from . import marks, realsources, tampered
from .cell_frame import CELL, as_dicts, framed, in_order, key, several
from .notes import drawn_by_origin, notes_on, of_added
from .table import Table

_UNSHOWN = "where it is as good or bad as can be, nearly all resamples agree, or one in 20 has no value"
_INFINITE = "where a probability of 0 or 1 is wrong: its loss is infinite"
_BLANK = {
    "MCC, author's": "where all images are called fake, or none",
    "NLL": _INFINITE,
    "NLL, isotonic": _INFINITE,  # a map of steps gives probabilities of exactly 0 and 1; the others do not
}
"""Why a column is blank where labels and kind of scores would allow a value, by its heading."""


def by_label(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """List every cell with its counts, accuracies by label, AP and AUROC; tampered images apart."""
    title = "Every cell (%), with 95 % intervals"
    made = _table("cells", title, cells, chosen, *realsources.widest(cells), counts=("ok", "images"))
    return tampered.beside(made, cells)


def by_error_rate(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """List every cell with the rates of errors at fixed rates of the other error."""
    return _table("error-rates", "Error rates (%), with 95 % intervals", cells, chosen)


def by_threshold(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """List every cell with its decisions at the author's, a fitted, and the oracle's threshold."""
    oracle = (
        "The oracle's threshold is chosen on the very images it is judged on: an upper bound, but for a "
        "quirk of UnivFD's search by which it can fall below the others."
    )
    title = "Decisions (%) at three thresholds, with 95 % intervals"
    return _table("thresholds", title, cells, chosen, oracle)


def by_calibration(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """List every cell with how far its probabilities can be believed, and what fitted maps make of them."""
    reasons = dict.fromkeys(
        f"{detector}: {why}." for detector, why in in_order(cells, ["detector", "no_probabilities"]) if why
    )
    title = "How far probabilities can be believed (0 is best), with 95 % intervals"
    made = _table("calibration", title, cells, chosen, *reasons)
    # Not percentages, but losses and errors mostly below 1: one decimal would show little of them.
    return made if chosen else replace(made, decimals=3)


def _table(
    name: str,
    title: str,
    cells: pd.DataFrame,
    chosen: Sequence[str],
    *remarks: str,
    counts: Sequence[str] = (),
) -> Table:
    """Put counts and a table's metrics side by side, a row a cell, shares in percent.

    Args:
        name: Of the table; the catalogue of metrics says which ones it shows.
        title: Of the table.
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of those that the catalogue says, by their labels.
        remarks: The first of its notes.
        counts: Columns that come first, without intervals or marks.
    """
    metrics = {METRICS[one].label: METRICS[one] for one in chosen} or shown_in(name)
    title = f"{in_title(chosen)} of every cell, with 95 % intervals" if chosen else title
    lines, blank = as_dicts(cells), np.full(len(cells), np.nan)
    names = several(cells, CELL)
    table: dict[str, list[tuple[float, float, float, str]]] = {
        column: [(cell[column], np.nan, np.nan, "") for cell in lines] for column in counts
    }
    reasons: dict[str, list[str]] = {}
    for label, metric in metrics.items():
        column, least, most = (
            cells[one].to_numpy(float) * percent(metric.name) if one in cells else blank
            for one in (metric.name, f"{metric.name}_low", f"{metric.name}_high")
        )
        if metric.by not in (AUTHOR, ORACLE) and np.isnan(column).all():
            continue  # nothing was fitted: the notes say how
        ends = zip(column.tolist(), least.tolist(), most.tolist(), cells["marks"], strict=True)
        table[label] = list(ends)
        # A value without an interval looks certain; one reason for several columns is said once.
        alone = np.flatnonzero(~np.isnan(column) & np.isnan(least))
        for why in dict.fromkeys(why_none(metric.name, lines[at]) or _UNSHOWN for at in alone):
            reasons.setdefault(why, []).append(label)
    unsure = [f"No interval of {' / '.join(labels)} {reason}." for reason, labels in reasons.items()]
    frame, low, high, signs = framed(table, [key(cell, names) for cell in lines], names)
    notes = (
        *remarks,
        *_blanks(lines, metrics),
        *notes_on(cells),
        *of_added(cells, metrics.values()),
        *unsure,
        *drawn_by_origin(cells),
        *marks.remarks(cells),
    )
    return Table(name, title, frame, notes, decimals(chosen), low=low, high=high, marks=signs)


def _blanks(lines: Sequence[Mapping[str, Any]], metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say where nothing was fitted, and why values are missing that labels and scores would allow.

    Args:
        lines: The cells.
        metrics: What the table shows, by its headings.
    """
    fitted = [not isnan(cell.get("fitted_threshold", nan)) for cell in lines]
    if any(metric.by not in (AUTHOR, ORACLE) for metric in metrics.values()) and not all(fitted):
        without = (cell for cell, fit in zip(lines, fitted, strict=True) if not fit)
        names = dict.fromkeys(f"{cell['detector']} ({cell['weights']})" for cell in without)
        some = f" for {', '.join(names)}" if any(fitted) else ""
        yield f"Nothing was fitted{some}: 'bench calibrate --on RUN' does it."
    # A blank where a value was possible looks like a fault: the first cell of each column is enough to say.
    for label in (one for one in metrics if one in _BLANK):
        metric = metrics[label]
        for cell, fit in zip(lines, fitted, strict=True):
            possible = fit or metric.by == AUTHOR
            if isinstance(metric, ProbabilityMetric):
                possible = possible and cell["ok"] > 0 and not cell["no_probabilities"]
            else:
                possible = possible and not cell["undefined"]
            if possible and isnan(cell.get(metric.name, nan)):
                yield f"{label} is blank {_BLANK[label]}."
                break
