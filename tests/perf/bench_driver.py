"""What the driver of a cluster takes for each shard and cell, where replicas take no time at all."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measuring import ratio, scaled, title, value
from workloads import Corner, workplace

from forenbench.data.dataset import Dataset
from forenbench.data.inventory import FileFacts
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.rows import ImageResult
from forenbench.records.store import Store
from forenbench.scoring import finishing
from forenbench.scoring.batches import BATCH, CellColumns, CellResults
from forenbench.scoring.engines.replica import Sent
from forenbench.scoring.engines.replicas import ReplicaPool
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.outcome import Listener, Silent
from forenbench.scoring.plan import SHARD, Job, RunSettings, Shard
from forenbench.scoring.runner import run
from forenbench.testing import MemorySource
from forenbench.types import Sample, Source, TestSet

IMAGES = BATCH * SHARD
GRIDS = ((1, 1), (4, 2), (8, 6), (20, 10))
"""Detectors and perturbations."""


@dataclass(frozen=True, slots=True)
class Instant:
    """Replicas that have made their results beforehand.

    Attributes:
        answer: Pickled, as it comes through the cluster.
        open: Makes of it what the pool takes.
    """

    answer: bytes
    open: Callable[[bytes], tuple[CellColumns | CellResults, Sequence[str]]]
    device_name: str = "none"

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, CellColumns]]:
        yield from ReplicaPool(self, 4, listener).work(iter(shards))

    def hire(self) -> tuple[object, tuple[bool, object]]:
        return (replica := object()), (False, replica)

    def give(self, replica: object, shard: Shard) -> tuple[bool, bytes]:
        return True, pickle.dumps(shard)

    def wait(self, tickets: Collection[object], seconds: float) -> list[object]:
        return list(tickets)[:1]

    def collect(self, ticket: tuple[bool, object]) -> object:
        return self.open(self.answer) if ticket[0] else None

    def dismiss(self, replica: object) -> None:
        """Nothing is held."""


def in_columns(cells: CellResults) -> Instant:
    """Answer as replicas do."""

    def unpack(answer: bytes) -> tuple[CellColumns, Sequence[str]]:
        sent: Sent = pickle.loads(answer)
        return sent.open(), sent.notes

    return Instant(pickle.dumps(Sent.of(cells, ())), unpack)


def in_objects(cells: CellResults) -> Instant:
    """Answer with one object an image."""
    return Instant(pickle.dumps((cells, ())), pickle.loads)
