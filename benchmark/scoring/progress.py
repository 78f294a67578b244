"""The finished shards of unfinished cells: what a run that is stopped, or killed, does not do again.

Each shard of a test set has one file below ``parts/``, Arrow under a seal, which holds the results of every
cell that was scored on it, so that results of one pass appear together and at once. Whoever scores a shard
holds its lock; the operating system lets go of the locks of a killed process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock, Timeout

from forenbench.errors import RunFailed
from forenbench.files.atomic import explaining, replacing
from forenbench.files.file_names import file_name
from forenbench.files.regular import read_regular
from forenbench.files.sealed import from_arrow, to_arrow
from forenbench.records.record import Identity
from forenbench.records.rows import as_rows, result_schema, samples_as_arrow
from forenbench.types import Cell

from .plan import PlannedCell, Task

if TYPE_CHECKING:
    import pyarrow as pa

_TOGETHER = 64
"""Shards that become rows together: some 8,000 rows in memory, whatever the size of the test set."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The finished shards in one run folder.

    Attributes:
        root: The run folder.
        begun: When this run began, in seconds: shards with failed images that are older are made again.
    """

    root: Path
    begun: float = field(default_factory=time.time)
    _own: set[Path] = field(default_factory=set)

    def lacking(self, task: Task, start: int, cells: Iterable[PlannedCell]) -> list[PlannedCell]:
        """List the cells that still lack the shard which begins at a sample."""
        path = self._path(task, start)
        found = _read(path)
        # A failure may be the machine's fault, so a later run tries again; this one, or one beside it, would
        # meet it again at once. `_own` is there for file servers whose clock lags behind.
        fresh = path in self._own or (bool(found) and path.stat().st_mtime >= self.begun)
        lacking = []
        for cell in cells:
            entry = found.get(cell.digest)
            if entry is None or (not fresh and "failed" in entry.results.column("status").to_pylist()):
                lacking.append(cell)
        return lacking

    def write(self, task: Task, start: int, scored: Mapping[PlannedCell, pa.RecordBatch]) -> None:
        """Store what was scored on a shard, beside what other cells have of it; hold its lock meanwhile.

        Args:
            task: The test set.
            start: The shard's first sample.
            scored: Its results (see `as_arrow`), by cell.

        Raises:
            RunFailed: The disk is full, or will not be written to.
        """
        path = self._path(task, start)
        found = _read(path)
        for cell, results in scored.items():
            found[cell.digest] = _Entry(cell.told, results)
        # The cells stand in the schema's metadata, their results in one record batch each, in that order.
        told = {key: entry.told for key, entry in found.items()}
        schema = result_schema().with_metadata({"cells": json.dumps(told)})
        content = to_arrow((entry.results for entry in found.values()), schema)
        # Not durable: what a power failure cuts short breaks the seal, and that shard is made again.
        with explaining(self.root), replacing(path, durable=False) as partial:
            partial.write_bytes(content)
        self._own.add(path)

    def rows(self, task: Task, cells: Sequence[PlannedCell]) -> Iterator[list[pa.Table]]:
        """Yield all rows of some cells whose shards are all there, in pieces, one of each cell at a time.

        Several cells together, for a shard's file is read and its seal verified as a whole.

        Raises:
            RunFailed: One is gone.
        """
        import pyarrow as pa

        shards = task.shards()
        while several := list(islice(shards, _TOGETHER)):
            read = [_read(self._path(task, shard[0].start)) for shard in several]
            for cell in cells:
                if not all(cell.digest in found for found in read):
                    raise RunFailed(
                        f"results of {cell.cell} are gone from '{self.root}/parts'; "
                        "the same command makes them again"
                    )
            samples = samples_as_arrow(task.testset.samples[several[0][0].start : several[-1][-1].stop])
            of_each = [pa.Table.from_batches(found[cell.digest].results for found in read) for cell in cells]
            yield [as_rows(one.cell, samples, results) for one, results in zip(cells, of_each, strict=True)]

    def claim(self, task: Task, start: int) -> FileLock | None:
        """Take a shard for this process, until the lock is released; None if another one has it."""
        with explaining(self.root):
            try:
                return _lock(self._path(task, start).with_suffix(".lock"), patience=0)
            except Timeout:
                return None

    @contextmanager
    def finishing(self, task: Task) -> Iterator[None]:
        """Hold the making of a test set's rows, once no other process does."""
        with explaining(self.root):
            lock = _lock(self._finish_lock(task), patience=-1)
        try:
            yield
        finally:
            lock.release()

    def linger(self, task: Task) -> bool:
        """Say whether anything of a test set is left, though it be only a lock."""
        return self._folder(task).exists() or self._finish_lock(task).exists()

    def forget(self, task: Task, is_done: Callable[[Cell, Identity], bool]) -> None:
        """Remove the shards of a test set, but for those that some cell, of whatever run, still needs.

        Args:
            task: The test set.
            is_done: Says whether the rows of a cell of some identity are stored.
        """
        folder = self._folder(task)
        needed: dict[str, bool] = {}
        for shard in task.shards():
            path = self._path(task, shard[0].start)
            lock = self.claim(task, shard[0].start)
            if lock is None:
                continue
            found = _read(path)
            # Of other commands, too: with other detectors they may be at work on this test set, or come back.
            for digest in found.keys() - needed.keys():
                cell, identity = found[digest].told
                needed[digest] = not is_done(Cell(**cell), Identity.from_json(identity))
            if not any(needed[digest] for digest in found):
                # The lock's file while the lock is held: once released, another process may have taken it,
                # and a third one would then take a new file of that name.
                path.unlink(missing_ok=True)
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
        with suppress(OSError):  # not empty: others are at work
            folder.rmdir()
            self._finish_lock(task).unlink(missing_ok=True)
            folder.parent.rmdir()
            folder.parent.parent.rmdir()

    def _path(self, task: Task, start: int) -> Path:
        return self._folder(task) / f"{start:08d}.arrow"

    def _finish_lock(self, task: Task) -> Path:
        return Path(f"{self._folder(task)}.lock")

    def _folder(self, task: Task) -> Path:
        return self.root / "parts" / file_name(task.testset.dataset) / file_name(task.testset.name)


class _Entry(NamedTuple):
    """What one cell has of a shard, and what it is (see `PlannedCell.told`)."""

    told: Sequence[Mapping[str, Any]]
    results: pa.RecordBatch


def _lock(path: Path, patience: float) -> FileLock:
    """Acquire a lock whose folder another process may remove at any moment.

    Raises:
        Timeout: Another process has it, and patience is over.
    """
    lock = FileLock(path)
    while True:
        # `forget`, in another process, removes the folder once it is empty: also between these two steps.
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock.acquire(timeout=patience)
            return lock


def _read(path: Path) -> dict[str, _Entry]:
    """Read a shard's results by the cells' digests; of a file that is damaged or cut short, none.

    Raises:
        RunFailed: It cannot be read.
    """
    try:
        batches = from_arrow(read_regular(path))
    except (FileNotFoundError, ValueError):
        return {}
    except OSError as error:
        raise RunFailed(
            f"results '{path}' cannot be read: {error.strerror or error}. Mend that, or remove the file, and "
            "the same command goes on"
        ) from error
    cells = json.loads(batches.schema.metadata[b"cells"])
    return {
        digest: _Entry(told, results) for (digest, told), results in zip(cells.items(), batches, strict=True)
    }
