"""What a run is made of: its cells, and the shards of its test sets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from forenbench.images.effort import DEFAULT_PIXELS, max_pixels
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.record import Identity
from forenbench.types import Cell, Perturbation, TestSet

from .batches import BATCH, CellIndex, ReadRequest, Todo

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset
    from forenbench.data.inventory import FileFacts

    from .lineup import Lineup

BATCH_PIXELS = 1 << 24
"""A batch ends here, too: huge pictures come alone, and memory stays flat."""
ROWS = 4
"""Version of what a row of a run means; raise it when batches or scores change."""
SHARD = 4
"""Batches whose rows are stored together: what a killed run may have to do again."""
# The same words for every test set, so that a table says them once; rows say the rest.
_REENCODED = "under {} some files were re-encoded first; the rows' column drawn says which, and how"


@dataclass(frozen=True, slots=True)
class Job:
    """One dataset and the detectors, with their weights, that are to be run on it.

    Attributes:
        dataset: Its test sets may be fewer than it has.
        detectors: In table order.
        first: How many of other rounds come before them in tables.
    """

    dataset: Dataset
    detectors: Sequence[LoadedDetector]
    first: int = 0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What all jobs of a run share.

    Attributes:
        perturbations: In table order.
        seed: Of random perturbations.
        precision: See `forenbench.scoring.numerics.Numerics`.
        keep_going: Try detectors that fail on everything on the rest, too.
        reencoded: What is done to files first under perturbations that stand for just this, by dataset, test
            set and perturbation, then by path.
    """

    perturbations: Sequence[Perturbation]
    seed: int = 0
    precision: str = "fp32"
    keep_going: bool = False
    reencoded: Mapping[tuple[str, str, str], Mapping[str, str]] = field(default_factory=dict)

    def first(self, testset: TestSet, perturbation: Perturbation) -> Mapping[str, str]:
        """Say what is done to files before a perturbation, by path: by the protocol, or for its sake."""
        key = testset.dataset, testset.name, perturbation.name
        return self.reencoded.get(key, testset.reencoded)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCell:
    """One cell of a run.

    Attributes:
        cell: Its name.
        identity: What makes its rows what they are; rows of equal identity need not be made again.
        index: Of its perturbation and its detector in the lineup.
        position: In tables.
        trained_on: What its detector's weights have seen (see `forenbench.plugins.loaded.LoadedDetector`).
        remarks: What readers of its rows must know of these weights.
        digest: A short name for the identity.
        told: Name and identity in JSON's terms, as each shard's file holds them.
    """

    cell: Cell
    identity: Identity
    index: CellIndex
    position: tuple[int, ...]
    trained_on: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    digest: str = field(init=False)
    told: tuple[dict[str, Any], dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        """Derive a short name for the identity."""
        object.__setattr__(self, "told", (asdict(self.cell), self.identity.to_json()))
        # Sorted, so that the order in which a plugin names its checkpoints makes no other cell of it.
        text = json.dumps(self.told[1], sort_keys=True)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest()[:20])


@dataclass(frozen=True, slots=True)
class Task:
    """One test set, and all cells that a run wants of it.

    Attributes:
        testset: The images.
        facts: Of its files.
        cells: One a perturbation and detector.
        first: What is done to files before each perturbation, by its index and by path.
    """

    testset: TestSet
    facts: Mapping[str, FileFacts]
    cells: tuple[PlannedCell, ...]
    first: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def shards(self) -> Iterator[tuple[range, ...]]:
        """Cut the samples into batches, and these into shards; the same ones in every run."""
        batches: list[range] = []
        start = pixels = 0
        for at, sample in enumerate(self.testset.samples):
            fact = self.facts[sample.path]
            size = fact.width * fact.height
            # By the sizes that were listed, not by the tensors that come of them: those depend on the
            # detectors of this run, and rows on where a batch ends.
            if at > start and (at - start == BATCH or pixels + size > BATCH_PIXELS):
                batches.append(range(start, at))
                start, pixels = at, 0
            pixels += size
        if start < len(self.testset.samples):
            batches.append(range(start, len(self.testset.samples)))
        for first in range(0, len(batches), SHARD):
            yield tuple(batches[first : first + SHARD])


@dataclass(frozen=True, slots=True)
class Shard:
    """Some batches of a test set, for the cells that lack them: what one process or machine does at a time.

    Attributes:
        task: Index of its test set in the plan.
        start: Its first sample.
        requests: Its batches.
        todo: What is to be done with them.
    """

    task: int
    start: int
    requests: tuple[ReadRequest, ...]
    todo: Todo

    @classmethod
    def of(
        cls, t: int, task: Task, batches: Sequence[range], cells: Sequence[PlannedCell], lineup: Lineup
    ) -> Shard:
        """Describe for an engine some batches of the `t`-th task of the plan and the cells that lack them."""
        detectors: dict[int, list[int]] = {}
        for cell in cells:
            detectors.setdefault(cell.index[0], []).append(cell.index[1])
        todo = tuple((p, tuple(wanted)) for p, wanted in detectors.items())
        prepares = lineup.wanted(todo)
        requests = []
        for batch in batches:
            paths = tuple(task.testset.samples[at].path for at in batch)
            sha256s = tuple(task.facts[path].sha256 for path in paths)
            steps = {p: task.first.get(p, {}) for p, _ in todo}
            first = {p: tuple(of.get(path, "") for path in paths) for p, of in steps.items() if of}
            requests.append(ReadRequest(t, paths, sha256s, prepares, first))
        return cls(t, batches[0].start, tuple(requests), todo)

    @property
    def images(self) -> int:
        """How many samples it has."""
        return sum(len(request.paths) for request in self.requests)


def plan(jobs: Sequence[Job], settings: RunSettings, only_round: int | None = None) -> list[Task]:
    """List every cell of a run, or of one round, test set by test set.

    Detectors are counted through all jobs.
    """
    tasks, first = [], 0
    for number, job in enumerate(jobs):
        for testset in job.dataset.testsets:
            steps = {p: settings.first(testset, one) for p, one in enumerate(settings.perturbations)}
            by_protocol = f"protocol {testset.protocol}" if testset.reencoded else ""
            remarks = [
                [_REENCODED.format(by_protocol or one.name)] if steps[p] else []
                for p, one in enumerate(settings.perturbations)
            ]
            cells = tuple(
                PlannedCell(
                    cell_of(loaded, testset, perturbation),
                    identity_of(loaded, testset, perturbation, settings),
                    (p, first + d),
                    (number, testset.order, p, job.first + d),
                    loaded.trained_on,
                    (*loaded.remarks, *remarks[p]),
                )
                for p, perturbation in enumerate(settings.perturbations)
                for d, loaded in enumerate(job.detectors)
                if only_round in (None, loaded.round)
            )
            tasks.append(Task(testset, job.dataset.facts, cells, steps))
        first += len(job.detectors)
    return tasks


def identity_of(
    loaded: LoadedDetector, testset: TestSet, perturbation: Perturbation, settings: RunSettings
) -> Identity:
    """Say what makes a cell's rows what they are; rows with an equal identity need not be made again."""
    limit, first = max_pixels(), settings.first(testset, perturbation)
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
        # Absent where it is the default, so that rows from before there was a limit keep their identity.
        max_pixels=None if limit == DEFAULT_PIXELS else limit,
        reencoded=digest_of(first) if first else None,
    )


def digest_of(first: Mapping[str, str]) -> str:
    """Digest which files are re-encoded before a perturbation, and how."""
    total = hashlib.sha256()
    for path, step in sorted(first.items()):
        total.update(f"{step} {path}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def cell_of(loaded: LoadedDetector, testset: TestSet, perturbation: Perturbation) -> Cell:
    """Name a cell; weights in files make it another one than the published ones do."""
    # Of a detector that reads no files "own" and "published" would name the same rows twice.
    weights = loaded.weights if loaded.checkpoints else ""
    return Cell(loaded.name, testset.dataset, testset.name, perturbation.name, weights)
