"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from forenbench.errors import BenchError
from forenbench.metrics.metric import FITTED
from forenbench.metrics.metric_values import labelled, shown_in
from forenbench.records.coverage import MISSING
from forenbench.records.finished import Finished, newest
from forenbench.records.measurements import Measurements
from forenbench.records.store import Store
from forenbench.registry import Registry
from forenbench.types import OWN, UNVERIFIED

from . import cellwise, contamination, equalised, marks, means, realsources, robustness, summary, table_kinds
from .notes import drawn_by_origin, in_order, left_out, notes_on
from .table import Table

_ROW = ["perturbation", "detector", "weights"]


def measure(stores: Iterable[Store], *, by_class: bool = False, failed_as: str = MISSING) -> pd.DataFrame:
    """Compute every finished cell's metrics from its rows.

    Args:
        stores: Runs.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself.
        failed_as: What images without a score count as, one of `forenbench.records.coverage.FAILED_AS`.

    Returns:
        One row a cell: detector, checkpoints, dataset, testset, perturbation, ``class`` (empty unless
        `by_class`), protocol, the counts of images (see `forenbench.records.coverage.count`), every metric as
        a fraction with the ends of its interval (see `Measurements.of` and docs/metrics.md), ``undefined``
        with the reason where one is NaN, ``seen``: the detector was trained on such images, ``known``: by
        which names (see `contamination.seen_in_training`), ``unstated``: nobody says what its weights have
        seen, and ``marks``: the signs of its numbers. In the order of the runs; where two runs hold the same
        cell with the same kind of weights and protocol, the newer one counts.

    Raises:
        BenchError: No finished cell anywhere.
    """
    cells = newest(stores)
    runs = {one.store.root: one.store for one in cells}
    measured = {root: Measurements(store, by_class, failed_as) for root, store in runs.items()}
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


def make(name: str, stores: Iterable[Store], protocol: str | None = None, failed_as: str = MISSING) -> Table:
    """Make a table by name or by a file, from the cells of one protocol (see `one_protocol` and `measure`).

    Raises:
        BenchError: Unknown name or protocol, or nothing to show.
    """
    kind = table_kinds.find_kind(name, REGISTRY)
    cells = measure(stores, failed_as=failed_as)
    chosen = one_protocol(cells, protocol)
    table = kind.make(chosen.copy())
    return replace(table, notes=(*table.notes, *left_out(cells, chosen)))


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then their unweighted
    mean over the test sets with both labels. A detector that lacks one of these gets no mean, rather than
    one over easier cells.
    """
    metrics = labelled("acc", "ap")
    places = in_order(cells, means.PLACE)
    wide = cells.pivot(index=_ROW, columns=means.PLACE, values=[*metrics.values(), "marks"])
    values = {(*place, name): wide[(key, *place)] * 100 for place in places for name, key in metrics.items()}
    values |= {("", "Mean", name): means.macro(cells, _ROW, key) for name, key in metrics.items()}
    signs = {(*place, name): wide[("marks", *place)] for place in places for name in metrics}
    signs |= {("", "Mean", name): means.signs(cells, _ROW) for name in metrics}
    frames = [pd.DataFrame(one).reindex(in_order(cells, _ROW)) for one in (values, signs)]
    for frame in frames:
        frame.columns.names = [*means.PLACE, "metric"]
        frame.index.names = _ROW
    title = "Accuracy and average precision (%) by generator"
    notes = (*notes_on(cells), *how_sure(cells))
    numbers, marked = map(_drop_single, frames)
    return Table("acc-ap", title, numbers.astype(float), notes, marks=marked.fillna(""))


def by_label(cells: pd.DataFrame) -> Table:
    """List every cell with its counts, accuracies by label, AP and AUROC."""
    title = "Every cell (%), with 95 % intervals"
    laid_out = cellwise.counted(cells, cellwise.lay_out(cells, shown_in("cells")))
    return _cellwise("cells", title, cells, laid_out, *realsources.widest(cells))


def by_error_rate(cells: pd.DataFrame) -> Table:
    """List every cell with the rates of errors at fixed rates of the other error."""
    laid_out = cellwise.lay_out(cells, shown_in("error-rates"))
    return _cellwise("error-rates", "Error rates (%), with 95 % intervals", cells, laid_out)


def by_threshold(cells: pd.DataFrame) -> Table:
    """List every cell with its decisions at the author's, a fitted, and the oracle's threshold."""
    metrics = shown_in("thresholds")
    laid_out = cellwise.lay_out(cells, metrics)
    laid_out = cellwise.present(laid_out, [name for name, row in metrics.items() if row.by == FITTED])
    title = "Decisions (%) at three thresholds, with 95 % intervals"
    oracle = (
        "The oracle's threshold is chosen on the very images it is judged on: an upper bound, but for a "
        "quirk of UnivFD's search by which it can fall below the others."
    )
    return _cellwise("thresholds", title, cells, laid_out, oracle, *cellwise.blanks(cells, metrics))


def by_calibration(cells: pd.DataFrame) -> Table:
    """List every cell with how far its probabilities can be believed, and what fitted maps make of them."""
    metrics = shown_in("calibration")
    laid_out = cellwise.lay_out(cells, metrics)
    laid_out = cellwise.present(laid_out, [name for name, row in metrics.items() if row.by])
    reasons = dict.fromkeys(
        f"{cell['detector']}: {cell['no_probabilities']}."
        for cell in cells[["detector", "no_probabilities"]].to_dict("records")
        if cell["no_probabilities"]
    )
    title = "How far probabilities can be believed (0 is best), with 95 % intervals"
    remarks = (*reasons, *cellwise.blanks(cells, metrics))
    return replace(_cellwise("calibration", title, cells, laid_out, *remarks), decimals=3)


def by_real_source(cells: pd.DataFrame) -> Table:
    """List every cell's AUROC and false positives against the reals of each source."""
    frame = realsources.lay_out(cells)
    title = "AUROC and real images called fake (%), by source of the real images"
    notes = (*realsources.gaps(cells), *notes_on(cells), *marks.remarks(cells))
    signs = realsources.signs(cells, frame)
    return Table("real-sources", title, _drop_single(frame), notes, marks=_drop_single(signs))


def overview(cells: pd.DataFrame) -> Table:
    """Sum up each detector: macro and micro means, and its worst generator."""
    title = "Each detector over all test sets (%), with 95 % intervals"
    notes = (*notes_on(cells), *realsources.widest(cells), *marks.remarks(cells))
    laid_out = summary.lay_out(cells)
    signs = summary.signs(cells, laid_out.values)
    values, low, high = map(_drop_single, laid_out)
    return Table("summary", title, values, notes, low=low, high=high, marks=_drop_single(signs))


def by_perturbation(cells: pd.DataFrame) -> Table:
    """Lay out means over all test sets by kind of perturbation and level (see `robustness.lay_out`)."""
    notes = (*robustness.gaps(cells), *notes_on(cells), *marks.remarks(cells))
    title = "Mean accuracy and average precision (%) over test sets, by perturbation"
    return Table("robustness", title, robustness.lay_out(cells), notes, marks=robustness.marks(cells))


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

REGISTRY: Registry[table_kinds.TableKind] = Registry(
    "table",
    table_kinds.GROUP,
    table_kinds.flaw,
    {name: table_kinds.TableKind(name, description, maker) for name, (maker, description) in TABLES.items()},
)
"""The same, and what packages add."""


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
    yield from marks.remarks(cells)


def _cellwise(name: str, title: str, cells: pd.DataFrame, laid_out: cellwise.LaidOut, *remarks: str) -> Table:
    """Make a table with a row for each cell."""
    values, low, high = (_drop_single(frame) for frame in laid_out)
    signs = pd.DataFrame({column: cells["marks"].to_numpy() for column in values}, index=values.index)
    signs[[column for column in ("ok", "images") if column in signs]] = ""
    sure = (*cellwise.unsure(cells, laid_out, shown_in(name)), *drawn_by_origin(cells))
    notes = (*remarks, *notes_on(cells), *sure, *marks.remarks(cells))
    return Table(name, title, values, notes, low=low, high=high, marks=signs)


def _lines(measured: Measurements, one: Finished) -> Iterator[dict[str, Any]]:
    """Put what a cell is beside its metrics, as a whole or for each class."""
    identity, provenance = one.record.identity, one.record.provenance
    cell = {
        "dataset": one.dataset,
        "detector": one.record.cell.detector,
        "perturbation": one.perturbation,
        "testset": one.testset,
        "weights": identity.weights,
        "protocol": one.protocol,
        "checkpoints": identity.checkpoints,
        "digest": identity.testset,
        "version": identity.detector_version,
        "precision": one.record.precision,
        "remarks": one.record.remarks,
        "time": provenance.time,
    }
    trained_on = provenance.trained_on or ()
    unstated = bool(identity.checkpoints) and not trained_on and identity.weights in (UNVERIFIED, OWN)
    for line in measured.of(one.record):
        known = contamination.seen_in_training(trained_on, one.testset, line.get("sources", {}))
        whole = {**cell, **line, "seen": bool(known), "known": known, "unstated": unstated}
        yield whole | {"marks": marks.of_cell(whole)}


def _drop_single(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the perturbation and dataset levels where there is only one."""
    for level in ("perturbation", "dataset"):
        if level in frame.index.names and frame.index.get_level_values(level).nunique() == 1:
            frame = frame.droplevel(level)
    if "dataset" in frame.columns.names:
        datasets = {value for value in frame.columns.get_level_values("dataset") if value}
        return frame.droplevel("dataset", axis=1) if len(datasets) == 1 else frame
    return frame
