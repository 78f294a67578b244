"""Drives the missing parts of a run's cells through an engine, and fills the store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

from filelock import FileLock

from forenbench.data.inventory import forget
from forenbench.records.environment import environment
from forenbench.records.record import Provenance
from forenbench.records.rows import ImageResult
from forenbench.records.store import Store
from forenbench.types import FileSource, TestSet

from .batches import CHANGED, CellResults, ReadRequest
from .engines import Engine
from .hopeless import UNTRIED, Hopeless
from .lineup import Lineup
from .outcome import Reporter as Reporter
from .outcome import Summary as Summary
from .plan import Job, PlannedCell, RunSettings, Shard, Task, plan
from .progress import Progress

_PATIENCE = 0.5
"""Seconds between two looks at parts that other processes hold."""


def run(
    jobs: Sequence[Job], settings: RunSettings, store: Store, engine: Engine, reporter: Reporter
) -> Summary:
    """Compute every missing cell of the jobs, test set by test set, and store it.

    A cell is computed again if anything that made it differs: detector version, weights, images,
    perturbation, seed, precision. Results that no longer apply are moved aside, never deleted. Several
    processes may work on one run folder at once: each part is scored by one of them.

    Args:
        jobs: What is run.
        settings: What all jobs share.
        store: Where rows go.
        engine: What scores.
        reporter: Told of progress; asked after each part whether the run ends there.

    Raises:
        BenchError: The run folder cannot be made.
        RunFailed: The work broke off: a full disk, say. What is finished is kept.
    """
    store.open()
    hopeless = Hopeless(settings.keep_going)
    detectors = [loaded.detector for job in jobs for loaded in job.detectors]
    lineup = Lineup(detectors, settings.perturbations, settings.seed)
    work = _Run(plan(jobs, settings), lineup, store, engine, reporter, hopeless)
    work.begin()
    work.tidy()
    work.score()
    return work.summarise()


@dataclass(slots=True)
class _Run:
    """One run's state: what is missing, and which parts this process holds."""

    tasks: list[Task]
    lineup: Lineup
    store: Store
    engine: Engine
    reporter: Reporter
    hopeless: Hopeless
    parts: Progress = field(init=False)
    missing: list[list[PlannedCell]] = field(init=False)
    open_parts: list[int] = field(init=False)
    held: dict[tuple[int, int], FileLock] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = Progress(self.store.root)
        self.missing = [
            [one for one in task.cells if not self.store.is_done(one.cell, one.identity)]
            for task in self.tasks
        ]
        self.open_parts = [sum(1 for _ in task.parts()) for task in self.tasks]

    def begin(self) -> None:
        """Say what is to be done."""
        total, to_do = sum(len(task.cells) for task in self.tasks), sum(map(len, self.missing))
        images = sum(
            len(task.testset.samples) for task, cells in zip(self.tasks, self.missing, strict=True) if cells
        )
        self.reporter.begin(total, total - to_do, images)
        for one in (one for cells in self.missing for one in cells):
            if damage := self.store.damage(one.cell):
                self.tell(damage)

    def advance(self, images: int) -> None:
        """Pass on an engine's progress."""
        self.reporter.advance(images)

    def tell(self, text: str) -> None:
        """Pass on a word to the user."""
        self.reporter.tell(text)

    def note(self, text: str) -> None:
        """Pass on a note, and keep it for the records."""
        self.notes.append(text)
        self.reporter.note(text)

    def stopped(self) -> bool:
        """Say whether the run is to end."""
        return self.reporter.stopped()

    def tidy(self) -> None:
        """Bring what is there up to what this run states, and remove the parts that a killed run left behind.

        These are of a run that was killed between its last rows and their removal.
        """
        for task, missing in zip(self.tasks, self.missing, strict=True):
            for one in task.cells:
                if one not in missing:
                    self.store.restate(one.cell, trained_on=one.trained_on)
            if not missing and self.parts.linger(task):
                self._finish(task, [])

    def score(self) -> None:
        """Score part after part; then wait for those that other processes hold, should these fail."""
        pending = [(t, part) for t, task in enumerate(self.tasks) if self.missing[t] for part in task.parts()]
        sources = [task.testset.source for task in self.tasks]
        while pending and not self.stopped():
            left: list[tuple[int, tuple[range, ...]]] = []
            shards = self._claim(pending, left)
            try:
                with closing(self.engine.score(self.lineup, sources, shards, self)) as scoring:
                    for shard, scored in scoring:
                        self._keep(shard, scored)
                        if self.stopped():
                            return
            finally:
                self._release_all()
            pending = left
            if pending:
                time.sleep(_PATIENCE)

    def _claim(
        self, pending: Sequence[tuple[int, tuple[range, ...]]], left: list[tuple[int, tuple[range, ...]]]
    ) -> Iterator[Shard]:
        """Take one part after another, as the engine asks for them; leave those of other processes."""
        named = -1
        for t, part in pending:
            if self.stopped():
                return
            task, start = self.tasks[t], part[0].start
            lock = self.parts.claim(task, start)
            if lock is None:
                left.append((t, part))
                continue
            lacking = [
                one
                for one in self.parts.lacking(task, start, self.missing[t])
                if not self.store.is_done(one.cell, one.identity)  # by another process, since this one began
            ]
            lacking = self._spare(t, part, lacking)
            if not lacking:
                lock.release()
                self.reporter.skip(part[-1].stop - start)
                self._close_part(t)
                continue
            if t != named:
                self.reporter.testset(task.testset, len(self.missing[t]))
                named = t
            self.held[t, start] = lock
            yield self._shard(t, part, lacking)

    def _spare(self, t: int, part: tuple[range, ...], lacking: Sequence[PlannedCell]) -> list[PlannedCell]:
        """Leave out the detectors that are stopped, with a row for each image that says so."""
        failures = {one: self.hopeless.failures(t, one.place) for one in lacking}
        size = part[-1].stop - part[0].start
        untried = {
            one: [ImageResult("failed", error=f"{UNTRIED}stopped after {number} failures")] * size
            for one, number in failures.items()
            if number
        }
        if untried:
            self.parts.write(self.tasks[t], part[0].start, untried)
        return [one for one in lacking if one not in untried]

    def _shard(self, t: int, part: tuple[range, ...], lacking: Sequence[PlannedCell]) -> Shard:
        """Word a part as work for an engine."""
        task = self.tasks[t]
        places: dict[int, list[int]] = {}
        for one in lacking:
            places.setdefault(one.place[0], []).append(one.place[1])
        todo = tuple((place, tuple(detectors)) for place, detectors in places.items())
        wanted = self.lineup.wanted(todo)
        requests = []
        for batch in part:
            paths = tuple(task.testset.samples[at].path for at in batch)
            requests.append(ReadRequest(t, paths, tuple(task.facts[path].sha256 for path in paths), wanted))
        return Shard(t, part[0].start, tuple(requests), todo)

    def _keep(self, shard: Shard, scored: CellResults) -> None:
        """Store a shard's results and let go of it."""
        task = self.tasks[shard.task]
        cells = {one.place: one for one in self.missing[shard.task]}
        self.parts.write(task, shard.start, {cells[place]: results for place, results in scored.items()})
        self.held.pop((shard.task, shard.start)).release()
        self._forget_changed(task.testset, shard.start, scored)
        for place, failed, everywhere in self.hopeless.learn(shard.task, scored):
            where = "" if everywhere else f" on {task.testset.dataset}/{task.testset.name}"
            self.tell(
                f"{cells[place].cell.detector} ({cells[place].cell.perturbation}) fails on all images and is "
                f"stopped{where}: {failed.error}. --keep-going has it try them all"
            )
        self._close_part(shard.task)

    def _forget_changed(self, testset: TestSet, start: int, scored: CellResults) -> None:
        """Have the next run read files again that are not what they were when the test set was listed."""
        changed = {
            testset.samples[at].path
            for results in scored.values()
            for at, result in enumerate(results, start)
            if result.error == CHANGED
        }
        if changed:
            forget(cast("FileSource", testset.source), sorted(changed))

    def _close_part(self, t: int) -> None:
        """Count a part that is there; with the last one, make the cells."""
        self.open_parts[t] -= 1
        if not self.open_parts[t]:
            self._finish(self.tasks[t], self.missing[t])

    def _finish(self, task: Task, cells: Sequence[PlannedCell]) -> None:
        """Turn the parts of a test set into its cells' rows, unless another process has done so."""
        with self.parts.finishing(task):
            for one in cells:
                if not self.store.is_done(one.cell, one.identity):
                    rows, provenance = self.parts.rows(task, one), self._provenance(task.testset, one)
                    self.store.write(one.cell, rows, one.identity, provenance)
            self.parts.forget(task, self.store.is_done)
        self.reporter.stored(len(cells))

    def _provenance(self, testset: TestSet, one: PlannedCell) -> Provenance:
        """Say what readers of a cell's rows may want to know, beside what makes them what they are."""
        return Provenance(
            **environment(self.engine.place),
            position=one.position,
            protocol=testset.protocol,
            found=testset.found,
            notes=(*self.notes, *one.remarks),
            trained_on=one.trained_on,
        )

    def _release_all(self) -> None:
        """Let go of parts that were taken and not scored."""
        while self.held:
            self.held.popitem()[1].release()

    def summarise(self) -> Summary:
        """Collect every cell with images that are not ok."""
        cells = [one for task in self.tasks for one in task.cells]
        to_do = sum(map(len, self.missing))
        summary = Summary(present=len(cells) - to_do, notes=self.notes)
        for one in cells:
            record = self.store.record(one.cell)
            if record is None or record.identity != one.identity:
                summary.unfinished += 1
            elif record.counts.lost:
                summary.problems[one.cell] = record.counts
        summary.computed = to_do - summary.unfinished
        return summary
