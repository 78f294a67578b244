"""What a run is made of: its cells, and the parts of test sets that they still lack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forenbench.images.effort import DEFAULT_PIXELS, max_pixels
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.record import Identity
from forenbench.types import Cell, Perturbation, TestSet

from .batches import BATCH, ReadRequest, Todo

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.data.inventory import FileFacts

BATCH_PIXELS = 1 << 24
"""A batch ends here, too: huge pictures come alone, and memory stays flat."""
ROWS = 4
"""Version of what a row of a run means; raise it when batches or scores change."""
PART = 4
"""Batches whose rows are stored together: what a killed run may have to do again."""


@dataclass(frozen=True, slots=True)
class Job:
    """One dataset and the detectors, with their weights, that are to be run on it."""

    dataset: Dataset
    detectors: Sequence[LoadedDetector]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What all jobs of a run share.

    Attributes:
        perturbations: In table order.
        seed: Of random perturbations.
        precision: See `forenbench.scoring.numerics.Numerics`.
        keep_going: Try detectors that fail on everything on the rest, too.
    """

    perturbations: Sequence[Perturbation]
    seed: int = 0
    precision: str = "fp32"
    keep_going: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCell:
    """One cell of a run.

    Attributes:
        cell: Its name.
        identity: What makes its rows what they are; rows of equal identity need not be made again.
        place: Of its perturbation and its detector in the lineup.
        position: In tables.
        trained_on: What its detector's weights have seen (see `forenbench.plugins.loaded.LoadedDetector`).
        remarks: What readers of its rows must know of these weights.
        digest: A short name for the identity.
    """

    cell: Cell
    identity: Identity
    place: tuple[int, int]
    position: tuple[int, ...]
    trained_on: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive a short name for the identity."""
        text = json.dumps(self.identity.to_json(), sort_keys=True)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest()[:20])


@dataclass(frozen=True, slots=True)
class Task:
    """One test set, and all cells that a run wants of it."""

    testset: TestSet
    facts: Mapping[str, FileFacts]
    cells: tuple[PlannedCell, ...]

    def parts(self) -> Iterator[tuple[range, ...]]:
        """Cut the samples into parts, and those into batches; the same ones in every run."""
        batches = list(self._batches())
        for first in range(0, len(batches), PART):
            yield tuple(batches[first : first + PART])

    def _batches(self) -> Iterator[range]:
        start = pixels = 0
        for at, sample in enumerate(self.testset.samples):
            fact = self.facts[sample.path]
            size = fact.width * fact.height
            if at > start and (at - start == BATCH or pixels + size > BATCH_PIXELS):
                yield range(start, at)
                start, pixels = at, 0
            pixels += size
        if start < len(self.testset.samples):
            yield range(start, len(self.testset.samples))


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a test set with the cells that lack it: what one process or machine does at a time.

    Attributes:
        task: Place of its test set in the plan.
        start: Its first sample.
        requests: Its batches.
        todo: What is to be done with them.
    """

    task: int
    start: int
    requests: tuple[ReadRequest, ...]
    todo: Todo

    @property
    def images(self) -> int:
        """How many samples it has."""
        return sum(len(request.paths) for request in self.requests)


def plan(jobs: Sequence[Job], settings: RunSettings) -> list[Task]:
    """List every cell of a run, test set by test set; detectors have their places among those of all jobs."""
    tasks, first = [], 0
    for d, job in enumerate(jobs):
        for testset in job.dataset.testsets:
            cells = tuple(
                PlannedCell(
                    cell_of(loaded, testset, perturbation),
                    identity_of(loaded, testset, perturbation, settings),
                    (place, first + at),
                    (d, testset.order, place, at),
                    loaded.trained_on,
                    loaded.remarks,
                )
                for place, perturbation in enumerate(settings.perturbations)
                for at, loaded in enumerate(job.detectors)
            )
            tasks.append(Task(testset, job.dataset.facts, cells))
        first += len(job.detectors)
    return tasks


def identity_of(
    loaded: LoadedDetector, testset: TestSet, perturbation: Perturbation, settings: RunSettings
) -> Identity:
    """Say what makes a cell's rows what they are; rows with an equal identity need not be made again."""
    limit = max_pixels()
    return Identity(
        rows=ROWS,
        detector=loaded.name,
        detector_version=loaded.detector.version,
        threshold=loaded.detector.threshold,
        weights=loaded.weights,
        checkpoints=dict(loaded.checkpoints),
        code=loaded.code,
        testset=testset.digest,
        perturbation=perturbation.name,
        seed=settings.seed,
        precision=settings.precision,
        max_pixels=None if limit == DEFAULT_PIXELS else limit,
    )


def cell_of(loaded: LoadedDetector, testset: TestSet, perturbation: Perturbation) -> Cell:
    """Name a cell; weights in files make it another one than the published ones do."""
    whose = loaded.weights if loaded.checkpoints else ""
    return Cell(loaded.name, testset.dataset, testset.name, perturbation.name, whose)
