"""Foreign scores → cells of a store, so that tables show them like any detector's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .batches import ImageResult
from .catalogue import Dataset
from .descriptions import Spec
from .environment import environment
from .foreign import ForeignRow, ForeignScores, Reading, normal, refuse
from .inventory import FileFacts
from .parts import as_rows
from .runner import Summary
from .sources.folder import Folder
from .store import Store
from .testsets import digest, group
from .testsets import warnings as shortcomings
from .types import FOREIGN, REAL, BenchError, Cell, Sample, TestSet

if TYPE_CHECKING:
    import pandas as pd

Results = Mapping[tuple[str, str], ImageResult]
"""By test set (empty: by any) and path."""


@dataclass(frozen=True, slots=True)
class Import:
    """Scores beside the images that they are of.

    Attributes:
        scores: As they were read.
        testsets: In table order.
        results: Of the images.
        notes: What a reader must know of the images.
        perturbation: What had been done to the images that were scored, by its canonical name.
        trained_on: What the detector has seen in training, as the user states it.
    """

    scores: ForeignScores
    testsets: tuple[TestSet, ...]
    results: Results
    notes: tuple[str, ...] = ()
    perturbation: str = "none"
    trained_on: tuple[str, ...] = ()

    def of(self, testset: TestSet) -> list[ImageResult]:
        """Return the result of each sample of a test set; an image without a score has failed."""
        lacking = ImageResult("failed", error=f"no score in {self.scores.file.name}")
        shared = self.results.get
        return [
            self.results.get((testset.name, path), shared(("", path), lacking))
            for path in (normal(sample.path) for sample in testset.samples)
        ]


def by_itself(scores: ForeignScores, dataset: str, generator: str) -> Import:
    """Take the file's own rows for a dataset: a test set for each generator.

    Args:
        scores: With labels.
        dataset: What tables call it.
        generator: Of generated images whose row names none. Real images that name none are in every test set.

    Raises:
        BenchError: There are no labels, or a test set would hold a path twice.
    """
    if scores.rows[0].label is None:
        raise BenchError(
            f"'{scores.file}' has no column 'label'; --label-column names it, or --dataset has labels"
        )
    rows = [row._replace(generator=row.generator or (generator if row.label else "")) for row in scores.rows]
    results = _results(scores, [(row.generator, row.path) for row in rows])
    both = [path for name, path in results if name and ("", path) in results]
    if both:
        raise refuse(f"paths of '{scores.file}' both with and without a generator", both, "keep one row each")
    samples = [_sample(row, dataset) for row in rows]
    order = tuple(dict.fromkeys(row.generator for row in rows if row.generator))
    groups = group(Spec(dataset, "", "", testsets=order), samples)
    facts = dict.fromkeys((sample.path for sample in samples), FileFacts(""))
    source = Folder(scores.file.parent)
    testsets = tuple(
        TestSet(dataset, name, found, source, digest(found, facts), place)
        for place, (name, found) in enumerate(groups.items())
    )
    return Import(scores, testsets, results, tuple(shortcomings(groups, facts)))


def beside(scores: ForeignScores, datasets: Iterable[Dataset], some: bool = False) -> Import:
    """Match the file's rows with the images of datasets by path; labels and generators are the datasets'.

    Args:
        scores: As they were read.
        datasets: Opened.
        some: These are a part of their images: rows of others are left aside, with a note.

    Raises:
        BenchError: A path is unknown, there twice, or in two datasets, or a label is not the dataset's.
    """
    testsets = tuple(testset for dataset in datasets for testset in dataset.testsets)
    labels = _labels(testsets)
    results = _results(scores, [("", row.path) for row in scores.rows])
    unknown = [row.path for row in scores.rows if row.path not in labels]
    if unknown and not (some and len(unknown) < len(scores.rows)):
        example = next(iter(labels))
        way_out = f"the dataset's are like '{example}'; --prefix removes what they begin with"
        raise refuse(f"paths of '{scores.file}' that the dataset does not have", unknown, way_out)
    wrong = [row.path for row in scores.rows if row.label not in (None, labels.get(row.path, row.label))]
    if wrong:
        raise refuse(f"labels of '{scores.file}' that differ from the dataset's", wrong, "see --label")
    notes = [
        f"{len(unknown)} rows are of no image that was asked for: left aside, the first '{path}'"
        for path in unknown[:1]
    ]
    return Import(scores, testsets, results, tuple(notes))


def store_scores(detector: str, found: Import, reading: Reading, store: Store) -> Summary:
    """Write the cells that are not there yet, made from this very file in this very way.

    Cells that an earlier version of the file gave this detector, and this one does not, are superseded.

    Raises:
        BenchError: The store holds cells of a detector of this name that were not imported.
    """
    records = store.records()
    summary = Summary()
    for cell, position, testset in _cells(detector, found, records):
        identity = _identity(cell, found.scores, reading, testset)
        record = store.record(cell)
        _check_own(cell, record, store)
        if record is None or record["identity"] != identity:
            rows = as_rows(cell, testset.samples, _frame(found.of(testset)))
            counts = store.write(cell, [rows], identity, _made(cell, found, testset, position))
            summary.computed += 1
        else:
            store.restate(cell, trained_on=list(found.trained_on))
            counts = record["counts"]
            summary.present += 1
        if any(number for status, number in counts.items() if status != "ok"):
            summary.problems[cell] = counts
    summary.notes += _supersede_gone(detector, found, records, store)
    return summary


def _cells(
    detector: str, found: Import, records: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Cell, list[int], TestSet]]:
    """Name each test set's cell and its position: what is new here comes last."""
    positions = [record["made"]["position"] for record in records]
    datasets, perturbations, detectors = (
        _Places(
            (record["cell"][name], position[at]) for record, position in zip(records, positions, strict=True)
        )
        for name, at in (("dataset", 0), ("perturbation", 2), ("detector", 3))
    )
    for testset in found.testsets:
        cell = Cell(detector, testset.dataset, testset.name, found.perturbation)
        place = datasets.of(testset.dataset), testset.order, perturbations.of(found.perturbation)
        yield cell, [*place, detectors.of(detector)], testset


class _Places(dict[str, int]):
    """Places of names in tables."""

    def of(self, name: str) -> int:
        """Return a name's place; a new one gets the next."""
        return self.setdefault(name, max(self.values(), default=-1) + 1)


def _labels(testsets: Iterable[TestSet]) -> dict[str, int]:
    """Collect the labels of all images by path, which must not mean two images."""
    labels: dict[str, int] = {}
    owners: dict[str, str] = {}
    for testset in testsets:
        for sample in testset.samples:
            path = normal(sample.path)
            labels[path] = sample.label
            if owners.setdefault(path, testset.dataset) != testset.dataset:
                both = f"{owners[path]} and {testset.dataset}"
                raise BenchError(f"'{path}' is in {both}; import scores for one of them at a time")
    return labels


def _identity(cell: Cell, scores: ForeignScores, reading: Reading, testset: TestSet) -> dict[str, Any]:
    """Say what makes the rows what they are, in the terms of a run's cells."""
    return {
        "rows": 2,
        "detector": cell.detector,
        "detector_version": "imported",
        "threshold": scores.threshold,
        "kind": FOREIGN,
        "checkpoints": {"scores": scores.sha256},
        "code": "",
        "testset": testset.digest,
        "perturbation": cell.perturbation,
        "seed": 0,
        "precision": "fp32",
        "reading": asdict(reading),
    }


def _made(cell: Cell, found: Import, testset: TestSet, position: Sequence[int]) -> dict[str, Any]:
    """Say what else a reader may want to know."""
    copies = "" if cell.perturbation == "none" else f" on copies under {cell.perturbation}, made elsewhere,"
    notes = ", ".join(found.scores.notes)
    about = f"scores of {cell.detector}{copies} were imported from {found.scores.file.name} ({notes})"
    return {
        **environment("none: imported"),
        "position": list(position),
        "protocol": testset.protocol,
        "notes": [about],
        "trained_on": list(found.trained_on),
        "file": str(found.scores.file.resolve()),
    }


def _check_own(cell: Cell, record: Mapping[str, Any] | None, store: Store) -> None:
    """Refuse to displace what a detector scored here."""
    if record is not None and record["identity"]["kind"] != FOREIGN:
        raise BenchError(
            f"'{store.root}' holds scores of {cell.detector} on {cell.dataset}/{cell.testset} that were run, "
            "not imported; give the imported ones another name with --detector"
        )


def _supersede_gone(
    detector: str, found: Import, records: Iterable[Mapping[str, Any]], store: Store
) -> list[str]:
    """Move away the cells of test sets that this file had once and has no more."""
    kept = {(testset.dataset, testset.name) for testset in found.testsets}
    mine = {(detector, dataset, found.perturbation) for dataset, _ in kept}
    gone = []
    for record in records:
        cell = Cell(**record["cell"])
        same = record["made"].get("file") == str(found.scores.file.resolve())
        had = same and (cell.detector, cell.dataset, cell.perturbation) in mine
        if had and (cell.dataset, cell.testset) not in kept:
            store.supersede(cell)
            word = f"{cell.dataset}/{cell.testset}"
            gone.append(f"{word} is in {found.scores.file.name} no more: superseded")
    return gone


def _results(scores: ForeignScores, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], ImageResult]:
    """Put each row's result under its key, the only one of that key."""
    twice = [path for (_, path), number in Counter(keys).items() if number > 1]
    if twice:
        raise refuse(f"paths that '{scores.file}' lists more than once", twice, "keep one row each")
    return {
        key: ImageResult(row.status, row.score, error=row.error)
        for key, row in zip(keys, scores.rows, strict=True)
    }


def _sample(row: ForeignRow, dataset: str) -> Sample:
    """Make a sample of a row with a label."""
    assert row.label is not None
    source = row.real_source or row.generator or dataset if row.label == REAL else ""
    return Sample(row.path, row.label, row.generator, row.class_name, source, row.origin)


def _frame(results: Sequence[ImageResult]) -> pd.DataFrame:
    """Put results side by side, in the columns that a part has."""
    import pandas as pd

    fields = ("score", "logit", "status", "error", "drawn")
    return pd.DataFrame({name: [getattr(result, name) for result in results] for name in fields})
