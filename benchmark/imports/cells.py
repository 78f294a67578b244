"""Foreign scores → cells of a store, so that tables show them like any detector's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from forenbench.errors import BenchError
from forenbench.records.environment import environment
from forenbench.records.record import Identity, Provenance, Record
from forenbench.records.rows import as_arrow, as_rows
from forenbench.records.store import Store
from forenbench.scoring.outcome import Summary
from forenbench.types import FOREIGN, Cell, TestSet

from .matching import Import
from .score_file import ForeignScores

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
    for detector, found in imports.items():
        for testset in found.testsets:
            cell = Cell(detector, testset.dataset, testset.name, found.perturbation)
            _check_own(cell, store.record(cell), store)
    summary = Summary()
    for detector, found in imports.items():
        _store_one(detector, found, store, summary)
    return summary


def _store_one(detector: str, found: Import, store: Store, summary: Summary) -> None:
    """Write one detector's cells that are not there yet."""
    records = store.records(beside_damaged=True)
    for cell, position, testset in _cells(detector, found, records):
        identity = _identity(cell, found.scores, testset)
        record, damage = store.record(cell), store.damage(cell)
        summary.notes += filter(None, [damage])
        if record is None or damage or record.identity != identity:
            rows = as_rows(cell, testset.samples, as_arrow(found.of(testset)))
            counts = store.write(cell, [rows], identity, _provenance(cell, found, testset, position))
            summary.computed += 1
        else:
            store.restate(cell, trained_on=found.trained_on)
            counts = record.counts
            summary.present += 1
        if counts.lost:
            summary.problems[cell] = counts
    summary.notes += _supersede_gone(detector, found, records, store)


def _cells(
    detector: str, found: Import, records: Sequence[Record]
) -> Iterator[tuple[Cell, tuple[int, ...], TestSet]]:
    """Name each test set's cell and its position: what is new here comes last."""
    datasets, perturbations, detectors = (
        _Places((getattr(record.cell, name), record.provenance.position[at]) for record in records)
        for name, at in (("dataset", 0), ("perturbation", 2), ("detector", 3))
    )
    for testset in found.testsets:
        cell = Cell(detector, testset.dataset, testset.name, found.perturbation)
        place = datasets.of(testset.dataset), testset.order, perturbations.of(found.perturbation)
        yield cell, (*place, detectors.of(detector)), testset


class _Places(dict[str, int]):
    """Places of names in tables."""

    def of(self, name: str) -> int:
        """Return a name's place; a new one gets the next."""
        return self.setdefault(name, max(self.values(), default=-1) + 1)


def _identity(cell: Cell, scores: ForeignScores, testset: TestSet) -> Identity:
    """Say what makes the rows what they are, in the terms of a run's cells."""
    return Identity(
        rows=ROWS,
        detector=cell.detector,
        detector_version="imported",
        threshold=scores.threshold,
        weights=FOREIGN,
        checkpoints={"scores": scores.sha256},
        code="",
        testset=testset.digest,
        perturbation=cell.perturbation,
        seed=0,
        precision="fp32",
        reading=asdict(scores.reading),
    )


def _provenance(cell: Cell, found: Import, testset: TestSet, position: tuple[int, ...]) -> Provenance:
    """Say what else a reader may want to know."""
    copies = "" if cell.perturbation == "none" else f" on copies under {cell.perturbation}, made elsewhere,"
    notes = ", ".join(found.scores.notes)
    about = f"scores of {cell.detector}{copies} were imported from {found.scores.file.name} ({notes})"
    return Provenance(
        **environment("none: imported"),
        position=position,
        protocol=testset.protocol,
        found=testset.found,
        notes=(about,),
        trained_on=found.trained_on,
        file=str(found.scores.file.resolve()),
    )


def _check_own(cell: Cell, record: Record | None, store: Store) -> None:
    """Refuse to displace what a detector scored here."""
    if record is not None and record.identity.weights != FOREIGN:
        raise BenchError(
            f"'{store.root}' holds scores of {cell.detector} on {cell.dataset}/{cell.testset} that were run, "
            "not imported; give the imported ones another name with --detector"
        )


def _supersede_gone(detector: str, found: Import, records: Iterable[Record], store: Store) -> list[str]:
    """Move away the cells of test sets that this file had once and has no more."""
    kept = {(testset.dataset, testset.name) for testset in found.testsets}
    mine = {(detector, dataset, found.perturbation) for dataset, _ in kept}
    gone = []
    for record in records:
        cell = record.cell
        same = record.provenance.file == str(found.scores.file.resolve())
        had = same and (cell.detector, cell.dataset, cell.perturbation) in mine
        if had and (cell.dataset, cell.testset) not in kept:
            store.supersede(cell)
            word = f"{cell.dataset}/{cell.testset}"
            gone.append(f"{word} is in {found.scores.file.name} no more: superseded")
    return gone
