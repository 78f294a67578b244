"""Whole runs on a GPU: repeated, with too little memory, beside readers; on a CPU each is smaller."""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from gpu_parity import CASES
from gpu_place import Facts, Place
from measuring import MIB
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from workloads import Corner, load_sample, open_folder, score, write_jpegs, write_pngs

from forenbench.data.dataset import Dataset
from forenbench.plugins.loaded import LoadedDetector
from forenbench.plugins.loading import load_all
from forenbench.scoring.batches import BATCH
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.reading import reader_processes
from forenbench.weights import Weights

RESNET = "cnndetection:blur_jpg_prob0.5"


def _detectors(place: Place) -> list[LoadedDetector]:
    """Load detectors: convolutions, gradients and attention, or the sample's small ones."""
    if place.tiny:
        return load_sample("cnndetection:small")
    return _official(place, "npr:squash256", RESNET, "lgrad:stylegan-bedroom", "univfd:lc")


def _official(place: Place, *names: str) -> list[LoadedDetector]:
    files = {key: path for name in names for key, path in CASES[name].write(place.root / "weights").items()}
    return load_all(names, Weights("published", files, place.device, unverified=True))


def _scores(
    place: Place, detectors: Sequence[LoadedDetector], dataset: Dataset, readers: int = 0
) -> dict[tuple[str, str], float]:
    """Score as a run does; return scores by detector and picture.

    Raises:
        ValueError: A picture has no score.
    """
    numerics = Numerics(place.device)
    store = score(dataset, detectors, place.root, readers=readers, numerics=numerics)
    found = {}
    for record in store.records():
        rows = store.rows(record)
        lost = rows[rows["status"] != "ok"]
        if len(lost):
            raise ValueError(f"{len(lost)} of {len(rows)} rows have no score: {lost['error'].iloc[0]}")
        for path, value in zip(rows["path"], rows["score"], strict=True):
            found[record.cell.detector, path] = value
    return found


def repeat(place: Place) -> Facts:
    """Score several batches twice, without readers and with them, and compare bit for bit.

    Raises:
        ValueError: Scores differ; the operations that torch calls nondeterministic are named.
    """
    images = BATCH + 2 if place.tiny else 3 * BATCH + 2
    detectors, dataset = _detectors(place), open_folder(write_pngs(place.root / "alike", images))
    first = _scores(place, detectors, dataset)
    # Operations say it of themselves; one run more, whose scores may be others.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.use_deterministic_algorithms(True, warn_only=True)
        if not place.tiny:
            _scores(place, detectors, dataset)
        torch.use_deterministic_algorithms(False)
    words = {str(one.message).split(". ")[0] for one in caught if "determinis" in str(one.message)}
    second = _scores(place, detectors, dataset, readers=1)
    differing = {name for name, _ in (key for key in first if first[key] != second[key])}
    if differing:
        raise ValueError(f"scores of {', '.join(sorted(differing))} differ; {'; '.join(sorted(words))}")
    return {"scores": len(first), "differing": 0, "said to be nondeterministic": sorted(words)}


class Hungry(Corner):
    """Takes much memory for each image, and notes how many it was given at once."""

    def __init__(self, bytes_each: int) -> None:
        super().__init__("hungry")
        self.numbers, self.sizes = bytes_each // 4, list[int]()

    def score(self, batch: Tensor) -> Tensor:
        """Map (n, 3, 64, 64) to (n,)."""
        self.sizes.append(len(batch))
        return super().score(batch) + 0 * batch.new_ones(len(batch), self.numbers).sum(1)


def halving(place: Place) -> Facts:
    """Score with too little memory for a batch, and compare with scores that had enough.

    Raises:
        ValueError: Batches were not halved, or scores differ.
    """
    each = 16 * MIB if place.tiny else 256 * MIB
    dataset = open_folder(write_pngs(place.root / "hungry", BATCH))
    tight = Hungry(each)
    enough = _scores(place, [LoadedDetector(Hungry(4), "own")], dataset)
    held = _limit_memory(place, 20 * each)
    little = _scores(place, [LoadedDetector(tight, "own")], dataset)
    del held
    if tight.sizes[0] != BATCH or tight.sizes[-1] == BATCH or enough != little:
        raise ValueError(f"batches were {tight.sizes}, and scores are {'not ' * (enough != little)}equal")
    return {"images at once": tight.sizes, "scores": "equal"}


def _limit_memory(place: Place, size: int) -> list[torch.Tensor]:
    """Let this process take so many more bytes, of the GPU or of the machine, while this is held."""
    held: list[torch.Tensor] = []
    if place.tiny:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        here, most = pages * resource.getpagesize(), resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (here, most))
        # What the heap has free needs no more of the system: a process that did much has room for a batch.
        with suppress(RuntimeError, MemoryError):
            while True:
                held.append(torch.empty(MIB, dtype=torch.uint8))
        resource.setrlimit(resource.RLIMIT_AS, (here + size, most))
    else:
        total = torch.cuda.get_device_properties(place.device).total_memory
        torch.cuda.set_per_process_memory_fraction(size / total, place.device)
    return held


class Beats(Silent):
    """Notes when each batch was scored."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def advance(self, images: int) -> None:
        """Hear of a batch."""
        self.times.append(time.perf_counter())

    def rate(self) -> float:
        """Return images a second, once the first batch is there."""
        return BATCH * (len(self.times) - 1) / (self.times[-1] - self.times[0])


def reading(place: Place) -> Facts:
    """Read JPEGs of 512² for next to no network, with more and more readers: images a second by readers."""
    most, images = (1, 3 * BATCH) if place.tiny else (max(1, reader_processes("cuda")), 64 * BATCH)
    dataset = open_folder(write_jpegs(place.root / "jpegs", images, 64 if place.tiny else 512))
    found = {}
    for readers in sorted({0, 1, *(1 << power for power in range(7) if 1 << power < most), most}):
        beats = Beats()
        score(
            dataset,
            [LoadedDetector(Corner(), "own")],
            place.root,
            readers=readers,
            reporter=beats,
            numerics=Numerics(place.device),
        )
        found[str(readers)] = beats.rate()
    return {"images/s by readers": found}


def overlap(place: Place) -> Facts:
    """Profile a run of a ResNet-50: the share of the time in which the device computes, or copies."""
    dataset = open_folder(write_pngs(place.root / "busy", BATCH if place.tiny else 40 * BATCH))
    detectors = load_sample("cnndetection:small") if place.tiny else _official(place, RESNET)
    readers = 1 if place.tiny else reader_processes(place.device)
    with profile(activities=[ProfilerActivity.CPU if place.tiny else ProfilerActivity.CUDA]) as seen:
        _scores(place, detectors, dataset, readers)
    kind = "CPU" if place.tiny else "CUDA"
    events = [event for event in seen.events() or () if event.device_type.name == kind]
    computing, copying = _spans(events, copies=False), _spans(events, copies=True)
    whole = max(end for _, end in computing) - min(start for start, _ in computing)
    both = covered(computing) + covered(copying) - covered([*computing, *copying])
    return {
        "readers": readers,
        "busy": covered(computing) / whole,
        "copying": covered(copying) / whole,
        "of that beside computing": both / covered(copying) if copying else 0.0,
    }


def _spans(events: Iterable[Any], *, copies: bool) -> list[tuple[float, float]]:
    """Return begin and end of the profiler's events that copy to a GPU, or of the others."""
    return [
        (event.time_range.start, event.time_range.end)
        for event in events
        if event.name.startswith("Memcpy HtoD") == copies
    ]


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of spans."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
