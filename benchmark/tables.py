"""Rows → pandas tables in the papers' layouts, made from the store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from . import metrics
from .plugins import unknown
from .store import STATUSES, Store
from .types import BenchError

_ROW = ["perturbation", "detector", "weights"]


@dataclass(frozen=True, slots=True)
class Table:
    """A finished table.

    Attributes:
        name: As in ``bench table NAME``.
        title: One line for a reader.
        frame: Values in percent; NaN where a value is undefined or was not measured.
        notes: What the numbers rest on: coverage, undefined values, checkpoints.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...]


def measure(stores: Iterable[Store]) -> pd.DataFrame:
    """Compute every finished cell's metrics from its rows.

    Returns:
        One row a cell: detector, checkpoints, dataset, testset, perturbation, the counts of images by status,
        ``acc``, ``real_acc``, ``fake_acc`` (at the detector's own threshold), ``ap``, ``auroc`` as fractions,
        and ``undefined`` with the reason where one is NaN. In the order of the runs; where two runs hold the
        same cell with the same kind of weights, the newer one counts.

    Raises:
        BenchError: No finished cell anywhere.
    """
    cells: dict[tuple[str, ...], dict[str, Any]] = {}
    roots = []
    for store in stores:
        roots.append(str(store.root))
        for record in store.records():
            key = (*record["cell"].values(), record["identity"]["kind"])
            if key not in cells or cells[key]["time"] < record["made"]["time"]:
                cells[key] = _measure_cell(store, record)
    if not cells:
        raise BenchError(f"no finished cell in {', '.join(roots)}; 'bench run' makes some")
    return pd.DataFrame(list(cells.values()))


def make(name: str, stores: Iterable[Store]) -> Table:
    """Make a table by name.

    Raises:
        BenchError: Unknown name, or nothing to show.
    """
    if name not in TABLES:
        raise BenchError(unknown("table", name, TABLES))
    return TABLES[name][0](measure(stores))


def accuracy_and_precision(cells: pd.DataFrame) -> Table:
    """Lay out accuracy and average precision by generator, as Table 3 of the LGrad paper does.

    Rows are detectors; columns are pairs (Acc., A.P.) in percent for each generator, then their unweighted
    mean. A detector that lacks a generator gets no mean, rather than one over easier cells.
    """
    measures = {"Acc.": "acc", "A.P.": "ap"}
    wide = cells.pivot(index=_ROW, columns=["dataset", "testset"], values=list(measures.values())).mul(100)
    order = _in_order(cells, ["dataset", "testset"])
    columns = {(*place, name): wide[(key, *place)] for place in order for name, key in measures.items()}
    for name, key in measures.items():
        columns["", "Mean", name] = wide[[(key, *place) for place in order]].mean(axis=1, skipna=False)
    frame = pd.DataFrame(columns).reindex(_in_order(cells, _ROW))
    frame.columns.names = ["dataset", "testset", "metric"]
    frame.index.names = _ROW
    return Table(
        "acc-ap", "Accuracy and average precision (%) by generator", _drop_single(frame), notes_on(cells)
    )


def by_label(cells: pd.DataFrame) -> Table:
    """List every cell with its counts, accuracies by label, AP and AUROC."""
    names = {
        "acc": "Acc.",
        "real_acc": "Real acc.",
        "fake_acc": "Fake acc.",
        "ap": "A.P.",
        "auroc": "AUROC",
    }
    frame = cells.set_index([*_ROW, "dataset", "testset"])
    values = frame[list(names)].mul(100).rename(columns=names)
    counted = pd.concat([frame[["ok", "images"]], values], axis=1)
    return Table("cells", "Every cell (%)", _drop_single(counted, columns=False), notes_on(cells))


TABLES: Mapping[str, tuple[Callable[[pd.DataFrame], Table], str]] = {
    "acc-ap": (
        accuracy_and_precision,
        "accuracy and average precision by generator (layout of LGrad's Table 3)",
    ),
    "cells": (by_label, "every cell: images, accuracies by label, AP, AUROC"),
}
"""Table makers by name, each with one line of description."""


def notes_on(cells: pd.DataFrame) -> tuple[str, ...]:
    """Word coverage and undefined values, cell by cell where something is not whole."""
    asked, scored = int(cells["images"].sum()), int(cells["ok"].sum())
    notes = [f"{len(cells)} cells, {scored} of {asked} images scored; metrics use scored images only."]
    for cell in cells.to_dict("records"):
        where = f"{cell['detector']} on {cell['dataset']}/{cell['testset']} ({cell['perturbation']})"
        lost = [f"{cell[status]} {status}" for status in STATUSES if status != "ok" and cell[status]]
        if lost:
            notes.append(f"{where}: {cell['ok']} of {cell['images']} images scored ({', '.join(lost)}).")
        if cell["undefined"]:
            notes.append(f"{where}: {cell['undefined']}.")
    return (*notes, *_mixed(cells), *_checkpoints(cells))


def _mixed(cells: pd.DataFrame) -> Iterator[str]:
    """Name test sets whose cells rest on different images, as after a change of the data or of --limit."""
    for (dataset, testset), group in cells.groupby(["dataset", "testset"], sort=False):
        if group["digest"].nunique() > 1:
            yield f"WARNING: cells of {dataset}/{testset} rest on different images, do not compare them."


def _checkpoints(cells: pd.DataFrame) -> Iterator[str]:
    """Name the weights files behind the rows, detectors with the same ones together."""
    users: dict[str, list[str]] = {}
    for cell in cells.to_dict("records"):
        files = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in sorted(cell["checkpoints"].items()))
        row = f"{cell['detector']} ({cell['weights']})"
        if files and row not in users.setdefault(files, []):
            users[files].append(row)
    for files, rows in users.items():
        yield f"Weights of {', '.join(rows)}: {files}."


def _measure_cell(store: Store, record: Mapping[str, Any]) -> dict[str, Any]:
    """Compute one cell's metrics."""
    rows = store.rows(record)
    ok = rows[rows["status"] == "ok"]
    labels, scores = ok["label"].to_numpy(), ok["score"].to_numpy(np.float64)
    identity = record["identity"]
    return {
        **record["cell"],
        "weights": identity["kind"],
        "checkpoints": identity["checkpoints"],
        "digest": identity["testset"],
        "version": identity["detector_version"],
        "time": record["made"]["time"],
        "images": len(rows),
        **record["counts"],
        **metrics.summarise(labels, scores, identity["threshold"]),
        "undefined": metrics.why_undefined(labels),
    }


def _in_order(cells: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    """List the distinct combinations of columns in the order of their first appearance."""
    return [tuple(row) for row in cells[columns].drop_duplicates().itertuples(index=False)]


def _drop_single(frame: pd.DataFrame, *, columns: bool = True) -> pd.DataFrame:
    """Leave out the perturbation and dataset levels where there is only one."""
    if frame.index.get_level_values("perturbation").nunique() == 1:
        frame = frame.droplevel("perturbation")
    if columns:
        datasets = [value for value in frame.columns.get_level_values("dataset") if value]
        return frame.droplevel("dataset", axis=1) if len(set(datasets)) == 1 else frame
    return frame.droplevel("dataset") if frame.index.get_level_values("dataset").nunique() == 1 else frame
