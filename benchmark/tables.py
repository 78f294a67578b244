"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from . import robustness
from .measurements import Measurements
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
        notes: What the numbers rest on: coverage, undefined values, images, checkpoints.
        decimals: How many are printed.
        signed: Columns with this name at their last level are differences, printed with their sign.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...]
    decimals: int = 1
    signed: str = ""


def measure(stores: Iterable[Store], *, by_class: bool = False) -> pd.DataFrame:
    """Compute every finished cell's metrics from its rows.

    Args:
        stores: Runs.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself.

    Returns:
        One row a cell: detector, checkpoints, dataset, testset, perturbation, ``class`` (empty unless
        `by_class`), protocol, the counts of images by status, ``real`` and ``fake`` (the images that were
        scored), ``acc``, ``real_acc``, ``fake_acc`` (at the detector's own threshold), ``ap``, ``auroc`` as
        fractions, and ``undefined`` with the reason where one is NaN. In the order of the runs; where two
        runs hold the same cell with the same kind of weights and protocol, the newer one counts.

    Raises:
        BenchError: No finished cell anywhere.
    """
    newest: dict[tuple[str, ...], tuple[Store, dict[str, Any]]] = {}
    roots = []
    for store in stores:
        roots.append(str(store.root))
        for record in store.records():
            key = (*record["cell"].values(), record["identity"]["kind"], _protocol(record))
            if key not in newest or newest[key][1]["made"]["time"] < record["made"]["time"]:
                newest[key] = store, record
    if not newest:
        raise BenchError(f"no finished cell in {', '.join(roots)}; 'bench run' makes some")
    runs = {store.root: store for store, _ in newest.values()}
    measured = {root: Measurements(store, by_class) for root, store in runs.items()}
    lines = [line for store, record in newest.values() for line in _lines(measured[store.root], record)]
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


def left_out(cells: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    """Name the other protocols whose cells a table does not show."""
    others = cells["protocol"].value_counts().drop(chosen["protocol"].unique())
    for protocol, number in others.items():
        yield f"Not shown: {number} cells under protocol {protocol} (--protocol {protocol})."


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


def by_perturbation(cells: pd.DataFrame) -> Table:
    """Lay out means over all test sets by kind of perturbation and level (see `robustness.lay_out`)."""
    notes = (*robustness.gaps(cells), *notes_on(cells))
    title = "Mean accuracy and average precision (%) over test sets, by perturbation"
    return Table("robustness", title, robustness.lay_out(cells), notes)


TABLES: Mapping[str, tuple[Callable[[pd.DataFrame], Table], str]] = {
    "acc-ap": (
        accuracy_and_precision,
        "accuracy and average precision by generator (layout of LGrad's Table 3)",
    ),
    "cells": (by_label, "every cell: images, accuracies by label, AP, AUROC"),
    "robustness": (by_perturbation, "means over test sets by kind of perturbation and level"),
}
"""Table makers by name, each with one line of description."""


def notes_on(cells: pd.DataFrame) -> tuple[str, ...]:
    """Word coverage and undefined values, cell by cell where something is not whole."""
    asked, scored = int(cells["images"].sum()), int(cells["ok"].sum())
    notes = [f"{len(cells)} cells, {scored} of {asked} images scored; metrics use scored images only."]
    for cell in cells.to_dict("records"):
        place = "/".join(filter(None, [cell["dataset"], cell["testset"], cell["class"]]))
        where = f"{cell['detector']} on {place} ({cell['perturbation']})"
        lost = [f"{cell[status]} {status}" for status in STATUSES if status != "ok" and cell[status]]
        if lost:
            notes.append(f"{where}: {cell['ok']} of {cell['images']} images scored ({', '.join(lost)}).")
        if cell["undefined"]:
            notes.append(f"{where}: {cell['undefined']}.")
    return (*notes, *_mixed(cells), *_images(cells), *_checkpoints(cells))


def _mixed(cells: pd.DataFrame) -> Iterator[str]:
    """Name what changed between cells: a test set's images, a detector's weights or version."""
    for (dataset, testset), group in cells.groupby(["dataset", "testset"], sort=False):
        if group["digest"].nunique() > 1:
            yield f"WARNING: cells of {dataset}/{testset} rest on different images, do not compare them."
    for (detector, kind), group in cells.groupby(["detector", "weights"], sort=False):
        models = zip(group["version"], group["checkpoints"], strict=True)
        if len({(version, *sorted(files.items())) for version, files in models}) > 1:
            yield (
                f"WARNING: cells of {detector} ({kind}) rest on different weights or versions of it, "
                f"a mean over them is of no one detector."
            )


def _images(cells: pd.DataFrame) -> Iterator[str]:
    """Count the real and fake images behind each row, rows that rest on the same counts together."""
    counts: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for cell in cells.to_dict("records"):
        row = f"{cell['detector']} ({cell['weights']}, {cell['perturbation']})"
        places = counts.setdefault((cell["protocol"], row), {})
        place = f"{cell['dataset']}/{cell['testset']}"
        real, fake = places.get(place, (0, 0))
        places[place] = real + cell["real"], fake + cell["fake"]
    order = ["/".join(place) for place in _in_order(cells, ["dataset", "testset"])]
    rows: dict[tuple[str, str], list[str]] = {}
    for (protocol, row), places in counts.items():
        text = ", ".join(f"{place} {'/'.join(map(str, places[place]))}" for place in order if place in places)
        rows.setdefault((protocol, text), []).append(row)
    for (protocol, text), users in rows.items():
        whose = f" behind {', '.join(users)}" if len(rows) > 1 else ""
        yield f"Images scored (real/fake){whose}, protocol {protocol}: {text}."


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


def _lines(measured: Measurements, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Put what a cell is beside its metrics, as a whole or for each class."""
    identity = record["identity"]
    cell = {
        **record["cell"],
        "weights": identity["kind"],
        "protocol": _protocol(record),
        "checkpoints": identity["checkpoints"],
        "digest": identity["testset"],
        "version": identity["detector_version"],
        "time": record["made"]["time"],
    }
    for line in measured.of(record):
        yield {**cell, **line}


def _protocol(record: Mapping[str, Any]) -> str:
    """Return the rule by which a cell's images were chosen; runs before there was a choice took all."""
    return str(record["made"].get("protocol", "all"))


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
