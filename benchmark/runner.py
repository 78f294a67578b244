"""Which cells are missing; drives the pipeline over them; fills the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .catalogue import Dataset
from .environment import environment
from .plugins import LoadedDetector
from .sources.folder import readable
from .store import COLUMNS, Store
from .types import Cell, Detector, Perturbation, TestSet

if TYPE_CHECKING:
    import pandas as pd

    from .batches import ImageResult


@dataclass(frozen=True, slots=True)
class Job:
    """One dataset and the detectors, with their weights, that are to be run on it."""

    dataset: Dataset
    detectors: Sequence[LoadedDetector]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all jobs of a run share.

    Attributes:
        perturbations: In table order.
        seed: Of random perturbations.
        device: A torch device, for instance "cpu" or "cuda".
    """

    perturbations: Sequence[Perturbation]
    seed: int = 0
    device: str = "cpu"


@dataclass(slots=True)
class Summary:
    """How a run went: cells that were there already, cells computed, and images that are not `ok`."""

    present: int = 0
    computed: int = 0
    problems: dict[Cell, dict[str, int]] = field(default_factory=dict)


class Reporter(Protocol):
    """Hears of a run's progress."""

    def begin(self, cells: int, present: int, images: int) -> None:
        """Told once, before any scoring: all cells, those done before, image passes to come."""
        ...

    def testset(self, testset: TestSet, cells: int) -> None:
        """Told when a test set's missing cells are started."""
        ...

    def advance(self, images: int) -> None:
        """Told after each batch."""
        ...


@dataclass(frozen=True, slots=True)
class _Task:
    """One test set's place in the run, and the cells it lacks."""

    testset: TestSet
    place: tuple[int, int]
    detectors: Sequence[LoadedDetector]
    missing: Sequence[tuple[Perturbation, Sequence[LoadedDetector]]]


def run(jobs: Sequence[Job], settings: Settings, store: Store, reporter: Reporter) -> Summary:
    """Compute every missing cell of the jobs, test set by test set, and store it.

    A cell is computed again if anything that made it differs: detector version, weights, images,
    perturbation, seed. Results that no longer apply are moved aside, never deleted.

    Raises:
        BenchError: Another process writes to the same run folder.
    """
    with store.writing():
        tasks = _plan(jobs, settings, store)
        total = sum(len(task.detectors) for task in tasks) * len(settings.perturbations)
        to_do = sum(len(detectors) for task in tasks for _, detectors in task.missing)
        images = sum(len(task.testset.samples) for task in tasks if task.missing)
        reporter.begin(total, total - to_do, images)
        for task in tasks:
            if task.missing:
                reporter.testset(task.testset, sum(len(detectors) for _, detectors in task.missing))
                _compute(task, settings, store, reporter)
    return _summarise(tasks, settings, store, to_do)


def identity_of(
    loaded: LoadedDetector, testset: TestSet, perturbation: Perturbation, seed: int
) -> dict[str, Any]:
    """Say what makes a cell's rows what they are; rows with an equal identity need not be made again."""
    return {
        "rows": 1,  # version of what a row means; raise it when the pipeline changes scores
        "detector": loaded.name,
        "detector_version": loaded.detector.version,
        "threshold": loaded.detector.threshold,
        "kind": loaded.kind,
        "checkpoints": dict(loaded.checkpoints),
        "code": loaded.code,
        "testset": testset.digest,
        "perturbation": perturbation.name,
        "seed": seed,
    }


def _plan(jobs: Sequence[Job], settings: Settings, store: Store) -> list[_Task]:
    """Find the missing cells of every test set."""
    tasks = []
    for d, job in enumerate(jobs):
        for testset in job.dataset.testsets:
            missing = []
            for perturbation in settings.perturbations:
                lacking = [
                    loaded
                    for loaded in job.detectors
                    if not store.is_done(
                        cell_of(loaded.detector, testset, perturbation),
                        identity_of(loaded, testset, perturbation, settings.seed),
                    )
                ]
                if lacking:
                    missing.append((perturbation, lacking))
            tasks.append(_Task(testset, (d, testset.order), job.detectors, missing))
    return tasks


def cell_of(detector: Detector, testset: TestSet, perturbation: Perturbation) -> Cell:
    """Name a cell."""
    return Cell(detector.name, testset.dataset, testset.name, perturbation.name)


def _compute(task: _Task, settings: Settings, store: Store, reporter: Reporter) -> None:
    """Score one test set's missing cells in one pass and store them."""
    from .pipeline import score_testset

    todo = [(perturbation, [loaded.detector for loaded in lacking]) for perturbation, lacking in task.missing]
    results = score_testset(
        task.testset, todo, seed=settings.seed, device=settings.device, advance=reporter.advance
    )
    for perturbation, lacking in task.missing:
        for loaded in lacking:
            cell = cell_of(loaded.detector, task.testset, perturbation)
            rows = as_rows(task.testset, cell, results[perturbation.name, loaded.name])
            place = [*task.place, settings.perturbations.index(perturbation), task.detectors.index(loaded)]
            identity = identity_of(loaded, task.testset, perturbation, settings.seed)
            made = {**environment(settings.device), "position": place, "protocol": task.testset.protocol}
            store.write(cell, rows, identity, made)


def as_rows(testset: TestSet, cell: Cell, results: Sequence[ImageResult]) -> pd.DataFrame:
    """Put a cell's results into the store's columns, one row an image."""
    import pandas as pd

    rows = [
        (
            cell.dataset,
            cell.testset,
            sample.generator,
            sample.class_name,
            sample.real_source,
            sample.path,
            sample.label,
            cell.detector,
            cell.perturbation,
            result.score,
            result.logit,
            result.status,
            result.error,
        )
        for sample, result in zip(testset.samples, results, strict=True)
    ]
    # Text first: pandas cannot hold a name that is no valid text even for a moment.
    texts = [[readable(value) if isinstance(value, str) else value for value in row] for row in rows]
    frame = pd.DataFrame(texts, columns=list(COLUMNS))
    return frame.astype({"label": "int8", "score": "float32", "logit": "float32"})


def _summarise(tasks: Sequence[_Task], settings: Settings, store: Store, computed: int) -> Summary:
    """Collect every cell with images that are not ok."""
    cells = [
        cell_of(loaded.detector, task.testset, perturbation)
        for task in tasks
        for perturbation in settings.perturbations
        for loaded in task.detectors
    ]
    summary = Summary(len(cells) - computed, computed)
    for cell in cells:
        record = store.record(cell)
        counts = record["counts"] if record else {}
        if any(number for status, number in counts.items() if status != "ok"):
            summary.problems[cell] = counts
    return summary
