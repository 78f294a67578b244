"""The parts of unfinished cells: what a run that is stopped, or killed, does not do again.

Each part of a test set has one Arrow file, which holds the results of every cell that was scored on it, so
that results of one pass appear together and at once. Whoever scores a part holds its lock; the operating
system lets go of the locks of a killed process.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from .atomic import replacing
from .batches import ImageResult
from .plan import PlannedCell, Task
from .sources.folder import readable
from .store import COLUMNS, explaining, file_name
from .types import Sample

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PIECE = 64
"""Parts that become rows together."""


@dataclass(frozen=True, slots=True)
class Parts:
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

    def write(self, task: Task, start: int, scored: Mapping[str, Sequence[ImageResult]]) -> None:
        """Store what was scored on a part, beside what other cells have of it; hold its lock meanwhile.

        Args:
            task: The part's test set.
            start: Its first sample.
            scored: Its results in order, by the cells' digests.

        Raises:
            RunFailed: The disk is full, or will not be written to.
        """
        import pyarrow as pa

        path = self._path(task, start)
        found = _read(path) | {digest: _as_arrow(results) for digest, results in scored.items()}
        schema = next(iter(found.values())).schema.with_metadata({"cells": json.dumps(list(found))})
        with (
            explaining(self.root),
            replacing(path, durable=False) as partial,
            pa.OSFile(str(partial), "wb") as file,
            pa.ipc.new_file(file, schema) as writer,
        ):
            for batch in found.values():
                writer.write_batch(batch)
        self._own.add(path)

    def rows(self, task: Task, cell: PlannedCell) -> Iterator[pd.DataFrame]:
        """Yield all rows of a cell whose parts are all there, in pieces."""
        import pyarrow as pa

        parts = task.parts()
        while several := list(islice(parts, _PIECE)):
            read = [_read(self._path(task, part[0].start))[cell.digest] for part in several]
            samples = task.testset.samples[several[0][0].start : several[-1][-1].stop]
            yield _as_rows(cell, samples, pa.Table.from_batches(read).to_pandas())

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
            lock = _lock(Path(f"{self._folder(task)}.lock"), patience=-1)
        try:
            yield
        finally:
            lock.release()

    def forget(self, task: Task) -> None:
        """Remove the parts, and the locks, of a test set whose cells are all done.

        Another process may just hold such a lock: it will find the cells done, and do nothing.
        """
        folder = self._folder(task)
        shutil.rmtree(folder, ignore_errors=True)
        Path(f"{folder}.lock").unlink(missing_ok=True)
        with suppress(OSError):  # not empty: other test sets are in work
            folder.parent.rmdir()
            folder.parent.parent.rmdir()

    def _path(self, task: Task, start: int) -> Path:
        return self._folder(task) / f"{start:08d}.arrow"

    def _folder(self, task: Task) -> Path:
        return self.root / "parts" / file_name(task.testset.dataset) / file_name(task.testset.name)


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


def _read(path: Path) -> dict[str, pa.RecordBatch]:
    """Read a part's results by cell; of a file that a power failure cut short, none."""
    import pyarrow as pa

    try:
        with pa.ipc.open_file(pa.BufferReader(path.read_bytes())) as file:
            cells = json.loads(file.schema.metadata[b"cells"])
            return {cell: file.get_batch(at) for at, cell in enumerate(cells)}
    except (FileNotFoundError, pa.ArrowInvalid):
        return {}


def _as_arrow(results: Sequence[ImageResult]) -> pa.RecordBatch:
    """Put results side by side."""
    import pyarrow as pa

    numbers = {name: [getattr(result, name) for result in results] for name in ("score", "logit")}
    texts = {
        name: [readable(getattr(result, name)) for result in results] for name in ("status", "error", "drawn")
    }
    return pa.record_batch(
        {name: pa.array(values, pa.float32()) for name, values in numbers.items()}
        | {name: pa.array(values, pa.string()) for name, values in texts.items()}
    )


def _is_whole(batch: pa.RecordBatch | None, fresh: bool) -> bool:
    """Say whether results need not be made again: all there, and no failure but of this very run."""
    return batch is not None and (fresh or "failed" not in batch.column("status").to_pylist())


def _as_rows(cell: PlannedCell, samples: Sequence[Sample], results: pd.DataFrame) -> pd.DataFrame:
    """Put samples beside their results, in the store's columns."""
    for name in ("dataset", "testset", "detector", "perturbation"):
        results[name] = readable(getattr(cell.cell, name))
    for column, name in (("generator",) * 2, ("class", "class_name"), ("real_source",) * 2, ("path",) * 2):
        results[column] = [readable(getattr(sample, name)) for sample in samples]
    results["label"] = [sample.label for sample in samples]
    return results[list(COLUMNS)]
