"""Foreign scores → cells of a store, so that tables show them like any detector's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from forenbench.errors import BenchError
from forenbench.records.environment import environment
from forenbench.records.record import Identity, Provenance, Record
from forenbench.records.rows import as_rows, samples_as_arrow
from forenbench.records.store import Store
from forenbench.scoring.outcome import Summary
from forenbench.types import FOREIGN, Cell

from .matching import Import

ROWS = 2
"""Version of what an imported row means; raise it when scores or statuses change."""


def store_scores(imports: Mapping[str, Import], store: Store) -> Summary:
    """Write the cells that are not there yet, made from this very file in this very way.

    Cells that an earlier version of the file gave a detector, and this one does not, are superseded.

    Args:
        imports: By what tables call the detectors.
        store: Where they go.

    Raises:
        BenchError: The store holds cells of a detector of such a name that were not imported.
    """
    # All are looked at before one is written: a refusal at the third detector must not leave two behind.
    for detector, found in imports.items():
        for testset in found.testsets:
            cell = Cell(detector, testset.dataset, testset.name, found.perturbation)
            there = store.record(cell)
            if there is not None and there.identity.weights != FOREIGN:
                raise BenchError(
                    f"'{store.root}' holds scores of {detector} on {cell.dataset}/{cell.testset} that were "
                    "run, not imported; give the detector of the imported ones another name"
                )
    summary = Summary()
    for detector, found in imports.items():
        records = store.records(beside_damaged=True)
        _store(detector, found, records, store, summary)
        # Of the same file, read for the same detector, dataset and perturbation: another file may well hold
        # other test sets of the detector, or the same images under another perturbation.
        kept = {(testset.dataset, testset.name) for testset in found.testsets}
        mine = {(detector, dataset, found.perturbation) for dataset, _ in kept}
        for record in records:
            cell = record.cell
            same = record.provenance.file == str(found.scores.file.resolve())
            had = same and (cell.detector, cell.dataset, cell.perturbation) in mine
            if had and (cell.dataset, cell.testset) not in kept:
                store.supersede(cell)
                name = f"{cell.dataset}/{cell.testset}"
                summary.notes.append(f"{name} is in {found.scores.file.name} no more: superseded")
    return summary


def _store(detector: str, found: Import, records: Sequence[Record], store: Store, summary: Summary) -> None:
    """Write one detector's cells that are not there yet, and sum up what became of them."""
    scores = found.scores
    # What is new in this run comes last in its tables: detectors that were run keep their lines.
    datasets, perturbations, detectors = (
        _Positions((getattr(record.cell, name), record.provenance.position[at]) for record in records)
        for name, at in (("dataset", 0), ("perturbation", 2), ("detector", 3))
    )
    for testset in found.testsets:
        cell = Cell(detector, testset.dataset, testset.name, found.perturbation)
        identity = Identity(
            rows=ROWS,
            detector=detector,
            detector_version="imported",
            threshold=scores.threshold,
            weights=FOREIGN,
            checkpoints={"scores": scores.sha256},
            code="",
            testset=testset.digest,
            perturbation=found.perturbation,
            seed=0,
            precision="fp32",
            # The same file read in another way, with another prefix or threshold, gives other rows.
            reading=asdict(scores.reading),
        )
        position = (datasets.of(testset.dataset), testset.order, perturbations.of(found.perturbation))
        record, damage = store.record(cell), store.damage(cell)
        summary.notes += filter(None, [damage])
        if record is None or damage or record.identity != identity:
            copies, notes = "", ", ".join(scores.notes)
            if found.perturbation != "none":
                copies = f" on copies under {found.perturbation}, made elsewhere,"
            provenance = Provenance(
                **environment("none: imported"),
                position=(*position, detectors.of(detector)),
                protocol=testset.protocol,
                found=testset.found,
                notes=(f"scores of {detector}{copies} were imported from {scores.file.name} ({notes})",),
                trained_on=found.trained_on,
                file=str(scores.file.resolve()),
            )
            rows = as_rows(cell, samples_as_arrow(testset.samples), found.of(testset))
            counts = store.write(cell, [rows], identity, provenance)
            summary.computed += 1
        else:  # what the detector has seen is no part of what the rows are, and may be stated later
            store.restate(cell, trained_on=found.trained_on)
            counts = record.counts
            summary.present += 1
        if counts.lost:
            summary.problems[cell] = counts


class _Positions(dict[str, int]):
    """Positions of names in tables."""

    def of(self, name: str) -> int:
        """Return a name's position; a new one gets the next."""
        return self.setdefault(name, max(self.values(), default=-1) + 1)
