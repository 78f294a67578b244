"""The parts of unfinished cells: what a run that is stopped, or killed, does not do again.

Each part of a test set has one file, Arrow under a seal, which holds the results of every cell that was
scored on it, so that results of one pass appear together and at once. Whoever scores a part holds its lock;
the operating system lets go of the locks of a killed process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from forenbench.errors import RunFailed
from forenbench.files.atomic import explaining, replacing
from forenbench.files.file_names import file_name
from forenbench.files.sealed import from_arrow, to_arrow
from forenbench.records.record import Identity
from forenbench.records.rows import ImageResult, as_arrow, as_rows, result_schema
from forenbench.types import Cell

from .plan import PlannedCell, Task

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE = 64
"""Parts that become rows together."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The parts in one run folder.

    Attributes:
        root: The run folder.
        begun: When this run began, in seconds: parts with failed images that are older are made again.
    """

    root: Path
    begun: float = field(default_factory=time.time)
    _own: set[Path] = field(default_factory=set)

    def lacking(self, task: Task, start: int, cells: Iterable[PlannedCell]) -> list[PlannedCell]:
        """List the cells that still lack the part which begins at a sample."""
        path = self._path(task, start)
        found = _read(path)
        fresh = path in self._own or (bool(found) and path.stat().st_mtime >= self.begun)
        return [cell for cell in cells if not _is_whole(found.get(cell.digest), fresh)]

    def write(self, task: Task, start: int, scored: Mapping[PlannedCell, Sequence[ImageResult]]) -> None:
        """Store what was scored on a part, beside what other cells have of it; hold its lock meanwhile.

        Raises:
            RunFailed: The disk is full, or will not be written to.
        """
        path = self._path(task, start)
        found = _read(path)
        for cell, results in scored.items():
            found[cell.digest] = _Entry(cell.cell, cell.identity, as_arrow(results))
        told = {key: [asdict(entry.cell), entry.identity.to_json()] for key, entry in found.items()}
        schema = result_schema().with_metadata({"cells": json.dumps(told)})
        content = to_arrow((entry.results for entry in found.values()), schema)
        with explaining(self.root), replacing(path, durable=False) as partial:
            partial.write_bytes(content)
        self._own.add(path)

    def rows(self, task: Task, cell: PlannedCell) -> Iterator[pa.Table]:
        """Yield all rows of a cell whose parts are all there, in pieces."""
        import pyarrow as pa

        parts = task.parts()
        while several := list(islice(parts, _PIECE)):
            batches = [self._results(task, part[0].start, cell) for part in several]
            samples = task.testset.samples[several[0][0].start : several[-1][-1].stop]
            yield as_rows(cell.cell, samples, pa.Table.from_batches(batches))

    def claim(self, task: Task, start: int) -> FileLock | None:
        """Take a part for this process, until the lock is released; None if another one has it."""
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
        """Remove the parts of a test set, but for those that some cell, of whatever run, still needs.

        Args:
            task: The test set.
            is_done: Says whether a cell of some identity needs no parts any more.
        """
        folder = self._folder(task)
        needed: dict[str, bool] = {}
        for part in task.parts():
            path = self._path(task, part[0].start)
            lock = self.claim(task, part[0].start)
            if lock is None:
                continue
            found = _read(path)
            for digest in found.keys() - needed.keys():
                needed[digest] = not is_done(found[digest].cell, found[digest].identity)
            if not any(needed[digest] for digest in found):
                path.unlink(missing_ok=True)
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
        with suppress(OSError):  # not empty: others are at work
            folder.rmdir()
            self._finish_lock(task).unlink(missing_ok=True)
            folder.parent.rmdir()
            folder.parent.parent.rmdir()

    def _results(self, task: Task, start: int, cell: PlannedCell) -> pa.RecordBatch:
        """Read what a cell has of a part."""
        found = _read(self._path(task, start))
        if cell.digest not in found:
            raise RunFailed(
                f"a part of {cell.cell} is gone from '{self.root}'; the same command makes it again"
            )
        return found[cell.digest].results

    def _path(self, task: Task, start: int) -> Path:
        return self._folder(task) / f"{start:08d}.arrow"

    def _finish_lock(self, task: Task) -> Path:
        return Path(f"{self._folder(task)}.lock")

    def _folder(self, task: Task) -> Path:
        return self.root / "parts" / file_name(task.testset.dataset) / file_name(task.testset.name)


class _Entry(NamedTuple):
    """What one cell has of a part."""

    cell: Cell
    identity: Identity
    results: pa.RecordBatch


def _lock(path: Path, patience: float) -> FileLock:
    """Acquire a lock whose folder another process may remove at any moment.

    Raises:
        Timeout: Another process has it, and patience is over.
    """
    lock = FileLock(path)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock.acquire(timeout=patience)
            return lock


def _read(path: Path) -> dict[str, _Entry]:
    """Read a part's results by the cells' digests; of a file that is damaged or cut short, none."""
    try:
        batches = from_arrow(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    cells = json.loads(batches.schema.metadata[b"cells"])
    return {
        digest: _Entry(Cell(**cell), Identity.from_json(identity), results)
        for (digest, (cell, identity)), results in zip(cells.items(), batches, strict=True)
    }


def _is_whole(entry: _Entry | None, fresh: bool) -> bool:
    """Say whether results need not be made again: all there, and no failure but of this very run."""
    return entry is not None and (fresh or "failed" not in entry.results.column("status").to_pylist())
