"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from forenbench.finished import Finished, newest
from forenbench.measurements import Measurements
from forenbench.plugins import unknown
from forenbench.store import Store
from forenbench.types import BenchError

from . import cellwise, contamination, equalised, realsources, robustness, summary
from .notes import drawn_by_origin, in_order, left_out, notes_on

_ROW = ["perturbation", "detector", "weights"]


@dataclass(frozen=True, slots=True)
class Table:
    """A finished table.

    Attributes:
        name: As in ``bench table NAME``.
        title: One line for a reader.
        frame: Values in percent; NaN where a value is undefined or was not measured.
        notes: What the numbers rest on: coverage, undefined values, images, checkpoints.
        decimals: How many are printed.
        signed: Columns with this name at their last level are differences, printed with their sign.
        low: Lower ends of the values' 95 % intervals, a frame of the same shape; NaN where there is none.
        high: The upper ends.
        marked: Which values rest, if only in part, on something that the detector has seen in training.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...]
    decimals: int = 1
    signed: str = ""
    low: pd.DataFrame | None = None
    high: pd.DataFrame | None = None
    marked: pd.DataFrame | None = None


def measure(stores: Iterable[Store], *, by_class: bool = False) -> pd.DataFrame:
    """Compute every finished cell's metrics from its rows.

    Args:
        stores: Runs.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself.

    Returns:
        One row a cell: detector, checkpoints, dataset, testset, perturbation, ``class`` (empty unless
        `by_class`), protocol, the counts of images by status, ``real`` and ``fake`` (the images that were
        scored), every metric as a fraction with the ends of its interval (see `Measurements.of` and
        docs/metrics.md), ``undefined`` with the reason where one is NaN, ``seen``: the detector was trained
        on such images, and ``known``: by which names (see `contamination.seen_in_training`). In the order
        of the runs; where two runs hold the same cell with the same kind of weights and protocol, the newer
        one counts.

    Raises:
        BenchError: No finished cell anywhere.
    """
    cells = newest(stores)
    runs = {one.store.root: one.store for one in cells}
    measured = {root: Measurements(store, by_class) for root, store in runs.items()}
    lines = [line for one in cells for line in _lines(measured[one.store.root], one)]
    for one in measured.values():
        one.save()
    return pd.DataFrame(lines)


def one_protocol(cells: pd.DataFrame, wanted: str | None = None) -> pd.DataFrame:
    """Keep the cells of one protocol, so that no table mixes them.

    Args:
        cells: As `measure` returns them.
        wanted: A protocol; without it "all" where that was run, else the only one.

    Raises:
        BenchError: Nothing was run under it, or several protocols and none of them "all".
    """
    present = list(dict.fromkeys(cells["protocol"]))
    if wanted is None and "all" not in present and len(present) > 1:
        raise BenchError(f"cells under several protocols: choose one with --protocol {'|'.join(present)}")
    wanted = wanted or ("all" if "all" in present else present[0])
    if wanted not in present:
        raise BenchError(f"no cell was run under protocol '{wanted}'; there is {', '.join(present)}")
    return cells[cells["protocol"] == wanted]


def make(name: str, stores: Iterable[Store], protocol: str | None = None) -> Table:
    """Make a table by name, from the cells of one protocol (see `one_protocol`).

    Raises:
        BenchError: Unknown name or protocol, or nothing to show.
    """
    if name not in TABLES:
        raise BenchError(unknown("table", name, TABLES))
    cells = measure(stores)
    chosen = one_protocol(cells, protocol)
    table = TABLES[name][0](chosen)
    return replace(table, notes=(*table.notes, *left_out(cells, chosen)))


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then their unweighted
    mean. A detector that lacks a generator gets no mean, rather than one over easier cells.
    """
    measures = {"Acc.": "acc", "A.P.": "ap"}
    wide = cells.pivot(index=_ROW, columns=["dataset", "testset"], values=list(measures.values())).mul(100)
    order = in_order(cells, ["dataset", "testset"])
    columns = {(*place, name): wide[(key, *place)] for place in order for name, key in measures.items()}
    for name, key in measures.items():
        columns["", "Mean", name] = wide[[(key, *place) for place in order]].mean(axis=1, skipna=False)
    frame = pd.DataFrame(columns).reindex(in_order(cells, _ROW))
    frame.columns.names = ["dataset", "testset", "metric"]
    frame.index.names = _ROW
    seen = cells.pivot(index=_ROW, columns=["dataset", "testset"], values="seen").reindex(frame.index)
    marked = pd.DataFrame(
        {
            column: seen.eq(True).any(axis=1) if column[1] == "Mean" else seen[column[:2]].eq(True)
            for column in frame.columns
        },
        index=frame.index,
    )
    marked.columns = frame.columns
    title = "Accuracy and average precision (%) by generator"
    notes = (*notes_on(cells), *how_sure(cells))
    return Table("acc-ap", title, _drop_single(frame), notes, marked=_drop_single(marked))


def by_label(cells: pd.DataFrame) -> Table:
    """List every cell with its counts, accuracies by label, AP and AUROC."""
    laid_out = cellwise.counted(cells, cellwise.lay_out(cells, cellwise.ACCURACIES))
    title = "Every cell (%), with 95 % intervals"
    return _cellwise("cells", title, cells, laid_out, *realsources.widest(cells))


def by_error_rate(cells: pd.DataFrame) -> Table:
    """List every cell with the rates of errors at fixed rates of the other error."""
    laid_out = cellwise.lay_out(cells, cellwise.ERROR_RATES)
    return _cellwise("error-rates", "Error rates (%), with 95 % intervals", cells, laid_out)


def by_threshold(cells: pd.DataFrame) -> Table:
    """List every cell with its decisions at the author's, a fitted, and the oracle's threshold."""
    laid_out = cellwise.lay_out(cells, cellwise.THRESHOLDS)
    laid_out = cellwise.present(laid_out, [name for name in cellwise.THRESHOLDS if "fitted" in name])
    title = "Decisions (%) at three thresholds, with 95 % intervals"
    oracle = (
        "The oracle's threshold is chosen on the very images it is judged on: an upper bound, but for a "
        "quirk of UnivFD's search by which it can fall below the others."
    )
    return _cellwise(
        "thresholds", title, cells, laid_out, oracle, *cellwise.blanks(cells, cellwise.THRESHOLDS)
    )


def by_calibration(cells: pd.DataFrame) -> Table:
    """List every cell with how far its probabilities can be believed, and what fitted maps make of them."""
    columns = cellwise.CALIBRATION | cellwise.CALIBRATED
    laid_out = cellwise.lay_out(cells, columns, scale=1)
    laid_out = cellwise.present(laid_out, cellwise.CALIBRATED)
    reasons = dict.fromkeys(
        f"{cell['detector']}: {cell['no_probabilities']}."
        for cell in cells[["detector", "no_probabilities"]].to_dict("records")
        if cell["no_probabilities"]
    )
    title = "How far probabilities can be believed (0 is best), with 95 % intervals"
    remarks = (*reasons, *cellwise.blanks(cells, columns))
    return replace(_cellwise("calibration", title, cells, laid_out, *remarks), decimals=3)


def by_real_source(cells: pd.DataFrame) -> Table:
    """List every cell's AUROC and false alarms against the reals of each source."""
    frame = realsources.lay_out(cells)
    title = "AUROC and real images called fake (%), by source of the real images"
    notes = (*realsources.gaps(cells), *notes_on(cells), *contamination.remark(cells))
    marked = realsources.marks(cells, frame)
    return Table("real-sources", title, _drop_single(frame), notes, marked=_drop_single(marked))


def overview(cells: pd.DataFrame) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator."""
    title = "Each detector over all test sets (%), with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *contamination.remark(cells))
    laid_out = summary.lay_out(cells)
    marked = contamination.marks(cells, laid_out.values)
    marked["A.P., worst"] = summary.worst_is_seen(cells)
    values, low, high = map(_drop_single, laid_out)
    return Table("summary", title, values, notes, low=low, high=high, marked=_drop_single(marked))


def by_perturbation(cells: pd.DataFrame) -> Table:
    """Lay out means over all test sets by kind of perturbation and level (see `robustness.lay_out`)."""
    notes = (*robustness.gaps(cells), *notes_on(cells), *contamination.remark(cells))
    title = "Mean accuracy and average precision (%) over test sets, by perturbation"
    frame = robustness.lay_out(cells)
    return Table("robustness", title, frame, notes, marked=contamination.marks(cells, frame))


TABLES: Mapping[str, tuple[Callable[[pd.DataFrame], Table], str]] = {
    "acc-ap": (
        accuracy_and_precision,
        "accuracy and average precision by generator (layout of LGrad's Table 3)",
    ),
    "summary": (overview, "each detector: macro and micro means, and its worst generator"),
    "cells": (by_label, "every cell: images, accuracies by label, AP, AUROC, with intervals"),
    "error-rates": (by_error_rate, "every cell: EER, TPR at 1 % and 5 % FPR, FPR at 95 % TPR"),
    "thresholds": (by_threshold, "every cell at its author's, a fitted, and the oracle's threshold"),
    "calibration": (by_calibration, "every cell: NLL, Brier score, calibration errors"),
    "real-sources": (by_real_source, "every cell against the real images of each source"),
    "robustness": (by_perturbation, "means over test sets by kind of perturbation and level"),
    "equalised": (equalised.table, "raw scores beside those of images re-encoded alike (--equalise)"),
}
"""Table makers by name, each with one line of description."""


def how_sure(cells: pd.DataFrame) -> Iterator[str]:
    """Say how wide intervals are, how far real sources are apart, and what was seen in training."""
    width = (cells["ap_high"] - cells["ap_low"]).mul(100) if "ap_low" in cells else pd.Series(dtype=float)
    if width.notna().any():
        yield (
            f"95 % intervals of A.P. are {width.median():.1f} points wide at the median, "
            f"{width.max():.1f} at most: 'bench table cells'."
        )
    yield from drawn_by_origin(cells)
    yield from realsources.widest(cells)
    yield from contamination.remark(cells)


def _cellwise(name: str, title: str, cells: pd.DataFrame, laid_out: cellwise.LaidOut, *remarks: str) -> Table:
    """Make a table with a row for each cell."""
    values, low, high = (_drop_single(frame) for frame in laid_out)
    seen = pd.DataFrame({column: cells["seen"].to_numpy() for column in values}, index=values.index)
    seen[[column for column in ("ok", "images") if column in seen]] = False
    notes = (*remarks, *notes_on(cells), *drawn_by_origin(cells), *contamination.remark(cells))
    return Table(name, title, values, notes, low=low, high=high, marked=seen)


def _lines(measured: Measurements, one: Finished) -> Iterator[dict[str, Any]]:
    """Put what a cell is beside its metrics, as a whole or for each class."""
    identity, made = one.record["identity"], one.record["made"]
    cell = {
        **one.record["cell"],
        "weights": identity["kind"],
        "protocol": one.protocol,
        "checkpoints": identity["checkpoints"],
        "digest": identity["testset"],
        "version": identity["detector_version"],
        "precision": identity.get("precision", "fp32"),
        "remarks": one.remarks,
        "time": made["time"],
    }
    trained_on = made.get("trained_on", [])
    for line in measured.of(one.record):
        known = contamination.seen_in_training(trained_on, one.testset, line.get("sources", {}))
        yield {**cell, **line, "seen": bool(known), "known": known}


def _drop_single(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the perturbation and dataset levels where there is only one."""
    for level in ("perturbation", "dataset"):
        if level in frame.index.names and frame.index.get_level_values(level).nunique() == 1:
            frame = frame.droplevel(level)
    if "dataset" in frame.columns.names:
        datasets = {value for value in frame.columns.get_level_values("dataset") if value}
        return frame.droplevel("dataset", axis=1) if len(datasets) == 1 else frame
    return frame
