"""Drives the missing shards of a run's cells through an engine, and fills the store."""

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
from forenbench.records.rows import as_arrow
from forenbench.records.store import Store
from forenbench.types import FileSource

from .batches import CHANGED, CellColumns, CellResults
from .engines import Engine
from .finishing import make_rows
from .hopeless import Hopeless
from .lineup import Lineup
from .outcome import Reporter as Reporter
from .outcome import Summary as Summary
from .plan import Job, PlannedCell, RunSettings, Shard, Task, plan
from .progress import Progress

_PATIENCE = 0.5
"""Seconds between two looks at shards that other processes hold."""
_Pending = tuple[int, tuple[range, ...]]
"""A shard that this run has still to see to: index of its task, and its batches."""


def run(
    jobs: Sequence[Job], settings: RunSettings, store: Store, engine: Engine, reporter: Reporter
) -> Summary:
    """Compute every missing cell of the jobs, test set by test set, and store it.

    A cell is computed again if anything that made it differs: detector version, weights, images,
    perturbation, seed, precision. Results that no longer apply are moved aside, never deleted. Several
    processes may work on one run folder at once: each shard is scored by one of them.

    Args:
        jobs: What is run.
        settings: What all jobs share.
        store: Where rows go.
        engine: What scores.
        reporter: Told of progress; asked after each shard whether the run ends there.

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
    return Summary.of(work.tasks, work.missing, store, work.notes)


@dataclass(slots=True)
class _Run:
    """One run's state: what is missing, and which shards this process holds."""

    tasks: list[Task]
    lineup: Lineup
    store: Store
    engine: Engine
    reporter: Reporter
    hopeless: Hopeless
    progress: Progress = field(init=False)
    missing: list[list[PlannedCell]] = field(init=False)
    open_shards: list[int] = field(init=False)
    held: dict[tuple[int, int], FileLock] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = Progress(self.store.root)
        self.missing = [
            [planned for planned in task.cells if not self.store.is_done(planned.cell, planned.identity)]
            for task in self.tasks
        ]
        self.open_shards = [sum(1 for _ in task.shards()) for task in self.tasks]

    def begin(self) -> None:
        """Say what is to be done."""
        total, to_do = sum(len(task.cells) for task in self.tasks), sum(map(len, self.missing))
        images = sum(
            len(task.testset.samples) for task, cells in zip(self.tasks, self.missing, strict=True) if cells
        )
        self.reporter.begin(total, total - to_do, images)
        for cells in self.missing:
            for planned in cells:
                if damage := self.store.damage(planned.cell):
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
        """Bring what is there up to what this run states, and remove shards that a killed run left behind.

        These are of a run that was killed between its last rows and their removal.
        """
        for task, missing in zip(self.tasks, self.missing, strict=True):
            for planned in task.cells:
                if planned not in missing:
                    self.store.restate(planned.cell, trained_on=planned.trained_on)
            if not missing and self.progress.linger(task):
                self._finish(task, [])

    def score(self) -> None:
        """Score shard after shard; then wait for those that other processes hold, should these fail."""
        pending = [
            (t, batches) for t, task in enumerate(self.tasks) if self.missing[t] for batches in task.shards()
        ]
        sources = [task.testset.source for task in self.tasks]
        while pending and not self.stopped():
            left: list[_Pending] = []
            shards = self._claim(pending, left)
            try:
                # Closed by hand: a generator that is left alone ends, and its reader processes with it, only
                # when it is collected.
                with closing(self.engine.score(self.lineup, sources, shards, self)) as scoring:
                    for shard, scored in scoring:
                        self._keep(shard, scored)
                        if self.stopped():
                            return
            finally:
                # Engines take shards ahead of what they have scored.
                while self.held:
                    self.held.popitem()[1].release()
            pending = left
            if pending:
                # No lock tells when it becomes free, and other machines have no way to send word.
                time.sleep(_PATIENCE)

    def _claim(self, pending: Sequence[_Pending], left: list[_Pending]) -> Iterator[Shard]:
        """Take one shard after another, as the engine asks for them; leave those of other processes."""
        named = -1
        for t, batches in pending:
            if self.stopped():
                return
            task, start = self.tasks[t], batches[0].start
            images = batches[-1].stop - start
            lock = self.progress.claim(task, start)
            if lock is None:
                left.append((t, batches))
                continue
            # Looked at under the lock only: another process may have finished it a moment ago, and the whole
            # cell, too, since this one began.
            lacking = [
                planned
                for planned in self.progress.lacking(task, start, self.missing[t])
                if not self.store.is_done(planned.cell, planned.identity)
            ]
            # Detectors that are stopped get a row for each image all the same, which says so.
            untried = {
                planned: results
                for planned in lacking
                if (results := self.hopeless.untried(t, planned.index, images))
            }
            if untried:
                self.progress.write(task, start, {one: as_arrow(of) for one, of in untried.items()})
                lacking = [planned for planned in lacking if planned not in untried]
            if not lacking:
                lock.release()
                self.reporter.skip(images)
                self._close_shard(t)
                continue
            if t != named:
                self.reporter.testset(task.testset, len(self.missing[t]))
                named = t
            self.held[t, start] = lock
            yield Shard.of(t, task, batches, lacking, self.lineup)

    def _keep(self, shard: Shard, results: CellResults | CellColumns) -> None:
        """Store a shard's results and let go of it."""
        import pyarrow as pa

        task = self.tasks[shard.task]
        cells = {planned.index: planned for planned in self.missing[shard.task]}
        scored = {at: of if isinstance(of, pa.RecordBatch) else as_arrow(of) for at, of in results.items()}
        self.progress.write(task, shard.start, {cells[index]: of for index, of in scored.items()})
        self.held.pop((shard.task, shard.start)).release()
        changed = {
            task.testset.samples[at].path
            for of in scored.values()
            for at, error in enumerate(of["error"].to_pylist(), shard.start)
            if error == CHANGED
        }
        if changed:
            # What is remembered of these files is wrong though nothing on the disk says so (a time that was
            # not changed, say): else every later run would refuse them as well.
            forget(cast("FileSource", task.testset.source), sorted(changed))
        for index, why, everywhere in self.hopeless.learn(shard.task, scored):
            where = "" if everywhere else f" on {task.testset.dataset}/{task.testset.name}"
            cell = cells[index].cell
            self.tell(
                f"{cell.detector} ({cell.perturbation}) fails on all images and is stopped{where}: "
                f"{why}. With keep-going it is tried on all of them"
            )
        self._close_shard(shard.task)

    def _close_shard(self, t: int) -> None:
        """Count a shard that is there; with the last one, make the cells."""
        self.open_shards[t] -= 1
        if not self.open_shards[t]:
            self._finish(self.tasks[t], self.missing[t])

    def _finish(self, task: Task, cells: Sequence[PlannedCell]) -> None:
        """Turn the shards of a test set into its cells' rows, unless another process has done so."""
        with self.progress.finishing(task):
            lacking = [planned for planned in cells if not self.store.is_done(planned.cell, planned.identity)]
            made = [
                Provenance(
                    **environment(self.engine.device_name),
                    position=planned.position,
                    protocol=task.testset.protocol,
                    found=task.testset.found,
                    notes=(*self.notes, *planned.remarks),
                    trained_on=planned.trained_on,
                )
                for planned in lacking
            ]
            make_rows(self.progress, self.store, task, zip(lacking, made, strict=True))
            self.progress.forget(task, self.store.is_done)
        self.reporter.stored(len(cells))
