"""What the driver of a cluster takes for each shard and cell, where replicas take no time at all."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from measuring import ratio, scaled, title, value
from workloads import Corner, workplace

from forenbench.data.dataset import Dataset
from forenbench.data.inventory import FileFacts
from forenbench.perturbations import parse
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.rows import ImageResult
from forenbench.records.store import Store
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
Answering = Callable[[CellResults], "Instant"]
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

    def collect(self, ticket: Any) -> Any:  # noqa: ANN401 - as the pool knows it
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


class Watch(Silent):
    """Knows when the last shard came, after which only rows are made."""

    came = 0.0

    def advance(self, images: int) -> None:
        self.came = process_time()


def made_up(images: int) -> Dataset:
    """Make a test set of no files."""
    samples = tuple(
        Sample(f"gan/1_fake/{at:07d}.png", at % 2, "gan", "horse", "lsun") for at in range(images)
    )
    facts = {sample.path: FileFacts("a" * 64, "PNG", "RGB", 256, 256) for sample in samples}
    return Dataset("d", "", (TestSet("d", "t", samples, MemorySource([]), "digest"),), facts, ())


def drive(
    folder: Path, shards: int, detectors: int, perturbations: int, replicas: Answering
) -> tuple[float, float]:
    """Store a run whose replicas answer at once.

    Returns:
        Milliseconds for each shard and cell: in all, and for the rows.
    """
    cells: CellResults = {
        (p, d): [ImageResult("ok", at / IMAGES, float(at)) for at in range(IMAGES)]
        for p in range(perturbations)
        for d in range(detectors)
    }
    loaded = [LoadedDetector(Corner(f"corner{d}"), "own") for d in range(detectors)]
    settings = RunSettings([parse("none"), *(parse(f"jpeg:{50 + p}") for p in range(perturbations - 1))])
    watch, begun = Watch(), process_time()
    summary = run([Job(made_up(shards * IMAGES), loaded)], settings, Store(folder), replicas(cells), watch)
    assert summary.computed == len(cells)
    each = 1000 / shards / len(cells)
    return each * (process_time() - begun), each * (process_time() - watch.came)


def main() -> None:
    title("The driver, for each shard of 128 images and each cell: processor time")
    with workplace() as root:
        drive(root / "warm", 2, 1, 1, in_columns)
        for detectors, perturbations in GRIDS:
            place = root / f"{detectors}-{perturbations}"
            whole, rows = drive(place, scaled(96, 4), detectors, perturbations, in_columns)
            value(f"{detectors * perturbations} cells: a shard and cell", whole, "ms")
            value("  of that, the making of rows", rows, "ms")
        both: dict[Answering, list[float]] = {in_objects: [], in_columns: []}
        for at in range(3):
            for answering, taken in both.items():
                place = root / f"{at}-{answering.__name__}"
                taken.append(drive(place, scaled(32, 4), 8, 6, answering)[0])
        ratio("48 cells: results come as objects / in columns", both[in_objects], both[in_columns])


if __name__ == "__main__":
    main()
