"""The shards of a test set, once all are there, become the rows of its cells."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forenbench.records.record import Provenance
    from forenbench.records.store import Store

    from .plan import PlannedCell, Task
    from .progress import Progress

_TOGETHER = 64
"""Cells whose rows are written at a time: so many files are open, and each shard's is read once for them."""


def make_rows(
    progress: Progress, store: Store, task: Task, cells: Iterable[tuple[PlannedCell, Provenance]]
) -> None:
    """Write the rows of some cells of a test set.

    Args:
        progress: Where the shards are.
        store: Where the rows go.
        task: The test set.
        cells: What is said of each cell beside its rows.

    Raises:
        RunFailed: A shard is gone, or the disk is full.
    """
    left = iter(cells)
    while several := list(islice(left, _TOGETHER)):
        with ExitStack() as open_files:
            files = [
                open_files.enter_context(store.writing(one.cell, one.identity, provenance))
                for one, provenance in several
            ]
            for pieces in progress.rows(task, [one for one, _ in several]):
                for file, piece in zip(files, pieces, strict=True):
                    file.add(piece)
