"""Finished cells of runs → the frame that tables are made of, from the stored rows alone."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from forenbench.records.coverage import APART, MISSING
from forenbench.records.finished import newest
from forenbench.records.measurements import Measurements
from forenbench.records.store import Store
from forenbench.types import NOWHERE, OWN, UNVERIFIED

from . import contamination, marks


def measure(
    stores: Iterable[Store],
    *,
    by_class: bool = False,
    failed_as: str = MISSING,
    tampered_as: str = APART,
    anew: bool = False,
) -> pd.DataFrame:
    """Compute every finished cell's metrics from its rows.

    Args:
        stores: Runs.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself.
        failed_as: What images without a score count as, one of `forenbench.records.coverage.FAILED_AS`.
        tampered_as: What tampered images count as, one of `forenbench.records.coverage.TAMPERED_AS`.
        anew: From the rows, whatever run folders remember of them.

    Returns:
        A row a cell, or a class of its images (see `cell_frame`), in the runs' order, each the `newest`.

    Raises:
        BenchError: No finished cell anywhere.
    """
    cells = newest(stores)
    runs = {one.store.root: one.store for one in cells}
    measured = {
        root: Measurements(store, by_class, failed_as, tampered_as, anew) for root, store in runs.items()
    }
    for root, run in measured.items():
        run.prepare(one.record for one in cells if one.store.root == root)
    lines = []
    for one in cells:
        identity, provenance = one.record.identity, one.record.provenance
        trained_on = list(provenance.trained_on or ())
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
            "trained_on": trained_on,
            "lender": (provenance.found or NOWHERE).lender or "",
        }
        # Published weights state themselves what they have seen; of others it may be that nobody knows.
        unstated = bool(identity.checkpoints) and not trained_on and identity.weights in (UNVERIFIED, OWN)
        # Reals seen in training count as seen, too: a detector may know their camera or crop.
        for line in measured[one.store.root].of(one.record):
            known = contamination.seen_in_training(trained_on, one.testset, line.get("sources", {}))
            whole = cell | line | {"seen": bool(known), "known": known, "unstated": unstated}
            lines.append(whole | {"marks": marks.of_cell(whole)})
    for run in measured.values():
        run.save()  # once for a run: each time writes all that is remembered of it
    return pd.DataFrame(lines)
