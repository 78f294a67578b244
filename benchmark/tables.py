"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from . import equalised, robustness
from .measurements import Measurements
from .notes import in_order, left_out, notes_on
from .plugins import unknown
from .store import Store
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
    "equalised": (equalised.table, "raw scores beside those of images re-encoded alike (--equalise)"),
}
"""Table makers by name, each with one line of description."""


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
        "precision": identity.get("precision", "fp32"),
        "remarks": record["made"].get("notes", []),
        "time": record["made"]["time"],
    }
    for line in measured.of(record):
        yield {**cell, **line}


def _protocol(record: Mapping[str, Any]) -> str:
    """Return the rule by which a cell's images were chosen; runs before there was a choice took all."""
    return str(record["made"].get("protocol", "all"))


def _drop_single(frame: pd.DataFrame, *, columns: bool = True) -> pd.DataFrame:
    """Leave out the perturbation and dataset levels where there is only one."""
    if frame.index.get_level_values("perturbation").nunique() == 1:
        frame = frame.droplevel("perturbation")
    if columns:
        datasets = [value for value in frame.columns.get_level_values("dataset") if value]
        return frame.droplevel("dataset", axis=1) if len(set(datasets)) == 1 else frame
    return frame.droplevel("dataset") if frame.index.get_level_values("dataset").nunique() == 1 else frame
