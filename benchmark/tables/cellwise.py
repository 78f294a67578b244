"""Every cell of a run in a row of its own, with some of its metrics and their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from forenbench.metrics.metric import FITTED, Metric
from forenbench.metrics.metric_values import shown_in, why_none

from . import marks, realsources
from .cell_frame import CELL, DETECTOR, drop_single
from .notes import drawn_by_origin, notes_on, of_added
from .table import Table

_UNSHOWN = "where it is as good or bad as can be, nearly all resamples agree, or one in 20 has no value"
_BLANK = {
    "MCC": "where all images are called fake, or none",
    "NLL": "where a probability of 0 or 1 is wrong: its loss is infinite",
}


def by_label(cells: pd.DataFrame) -> Table:
    """List every cell with its counts, accuracies by label, AP and AUROC."""
    title = "Every cell (%), with 95 % intervals"
    laid_out = _counted(cells, _lay_out(cells, shown_in("cells")))
    return _table("cells", title, cells, laid_out, *realsources.widest(cells))


def by_error_rate(cells: pd.DataFrame) -> Table:
    """List every cell with the rates of errors at fixed rates of the other error."""
    laid_out = _lay_out(cells, shown_in("error-rates"))
    return _table("error-rates", "Error rates (%), with 95 % intervals", cells, laid_out)


def by_threshold(cells: pd.DataFrame) -> Table:
    """List every cell with its decisions at the author's, a fitted, and the oracle's threshold."""
    metrics = shown_in("thresholds")
    laid_out = _lay_out(cells, metrics)
    laid_out = _present(laid_out, [name for name, row in metrics.items() if row.by == FITTED])
    title = "Decisions (%) at three thresholds, with 95 % intervals"
    oracle = (
        "The oracle's threshold is chosen on the very images it is judged on: an upper bound, but for a "
        "quirk of UnivFD's search by which it can fall below the others."
    )
    return _table("thresholds", title, cells, laid_out, oracle, *_blanks(cells, metrics))


def by_calibration(cells: pd.DataFrame) -> Table:
    """List every cell with how far its probabilities can be believed, and what fitted maps make of them."""
    metrics = shown_in("calibration")
    laid_out = _lay_out(cells, metrics)
    laid_out = _present(laid_out, [name for name, row in metrics.items() if row.by])
    reasons = dict.fromkeys(
        f"{cell['detector']}: {cell['no_probabilities']}."
        for cell in cells[["detector", "no_probabilities"]].to_dict("records")
        if cell["no_probabilities"]
    )
    title = "How far probabilities can be believed (0 is best), with 95 % intervals"
    remarks = (*reasons, *_blanks(cells, metrics))
    return replace(_table("calibration", title, cells, laid_out, *remarks), decimals=3)


class _LaidOut(NamedTuple):
    """Values, and the ends of their intervals (NaN where there is none), in frames of one shape."""

    values: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame


def _table(name: str, title: str, cells: pd.DataFrame, laid_out: _LaidOut, *remarks: str) -> Table:
    """Make a table with a row for each cell."""
    values, low, high = (drop_single(frame) for frame in laid_out)
    signs = pd.DataFrame({column: cells["marks"].to_numpy() for column in values}, index=values.index)
    signs[[column for column in ("ok", "images") if column in signs]] = ""
    sure = (*_unsure(cells, laid_out, shown_in(name)), *drawn_by_origin(cells))
    failed = of_added(cells, shown_in(name).values())
    notes = (*remarks, *notes_on(cells), *failed, *sure, *marks.remarks(cells))
    return Table(name, title, values, notes, low=low, high=high, marks=signs)


def _lay_out(cells: pd.DataFrame, metrics: Mapping[str, Metric]) -> _LaidOut:
    """Put metrics side by side, a row a cell, shares in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        metrics: By what the table calls them.
    """
    frame = cells.set_index(CELL)
    scales = [100.0 if metric.percent else 1.0 for metric in metrics.values()]
    pieces = []
    for suffix in ("", "_low", "_high"):
        names = [metric.name + suffix for metric in metrics.values()]
        piece = frame.reindex(columns=names).astype(float).mul(scales)
        piece.columns = pd.Index(metrics)
        pieces.append(piece)
    return _LaidOut(*pieces)


def _counted(cells: pd.DataFrame, laid_out: _LaidOut) -> _LaidOut:
    """Put the numbers of scored and of all images before the metrics."""
    counts = cells.set_index(CELL)[["ok", "images"]]
    blank = pd.DataFrame(float("nan"), counts.index, counts.columns)
    before = _LaidOut(counts, blank, blank)
    return _LaidOut(*(pd.concat(pair, axis=1) for pair in zip(before, laid_out, strict=True)))


def _present(laid_out: _LaidOut, names: Iterable[str]) -> _LaidOut:
    """Leave out the given columns where no cell has a value: nothing was fitted, say."""
    empty = [name for name in names if laid_out.values[name].isna().all()]
    return _LaidOut(*(frame.drop(columns=empty) for frame in laid_out))


def _blanks(cells: pd.DataFrame, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say why values are missing where the labels and the kind of scores would allow them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        metrics: As for `_lay_out`.
    """
    fitted = cells.reindex(columns=["fitted_threshold"])["fitted_threshold"].notna()
    lacking = cells.loc[~fitted, DETECTOR].drop_duplicates()
    if len(lacking):
        whose = ", ".join(f"{detector} ({kind})" for detector, kind in lacking.itertuples(index=False))
        some = f" for {whose}" if fitted.any() else ""
        yield f"Nothing was fitted{some}: 'bench calibrate --on RUN' does it."
    scored = (cells["no_probabilities"] == "") & (cells["ok"] > 0)
    could_be = {"MCC, author's": cells["undefined"] == "", "NLL": scored, "NLL, isotonic": scored & fitted}
    for name, rows in could_be.items():
        if name in metrics and cells.reindex(columns=[metrics[name].name])[rows].isna().any(axis=None):
            yield f"{name} is blank {_BLANK[name[:3]]}."


def _unsure(cells: pd.DataFrame, laid_out: _LaidOut, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say why values have no interval, for columns of one reason together.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        laid_out: Their values.
        metrics: As for `_lay_out`.
    """
    reasons: dict[str, dict[str, None]] = {}
    for label in laid_out.values.columns.intersection(list(metrics)):
        alone = laid_out.values[label].notna() & laid_out.low[label].isna()
        for cell in cells[alone.to_numpy()].to_dict("records"):
            reasons.setdefault(why_none(metrics[label].name, cell) or _UNSHOWN, {})[label] = None
    for reason, labels in reasons.items():
        yield f"No interval of {' / '.join(labels)} {reason}."
