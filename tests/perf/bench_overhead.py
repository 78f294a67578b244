"""A whole run of one detector against the bare loop of its network over the same prepared tensors.

The budget is about a run of hours, so the rate is compared while readers and network are both at work: from
the end of the first batch to that of the last but two, which readers have read by then. What a run takes
besides (readers start, rows are written) is stated apart, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import times
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import torch
from measuring import alternately, bench, ratio, scaled, title, value
from workloads import (
    RESNET_50,
    WEIGHTS,
    bare_loop,
    load_resnet,
    load_sample,
    open_folder,
    prepared,
    score,
    workplace,
    write_pngs,
)

from forenbench.data.dataset import Dataset
from forenbench.images import decode
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.calls import prepare_of
from forenbench.scoring.outcome import Silent
from forenbench.scoring.reading import reader_processes

ROUNDS, SOME = 3, 32
READ_AHEAD = 2
"""Batches at the end beside which nothing is read any more."""


class Paced(Silent):
    """Notes when each batch was scored."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def advance(self, images: int) -> None:
        """Hear of a batch."""
        self.times.append(perf_counter())


def compare(dataset: Dataset, detector: LoadedDetector, root: Path) -> None:
    """Print the ratio of rates for runs in this process, and what a run takes beside its batches."""
    batches = prepared(dataset, detector)
    steady = batches[1:-READ_AHEAD]
    bare_loop(detector.detector, batches[:1])
    heard: list[list[float]] = []

    def whole() -> None:
        paced = Paced()
        score(dataset, [detector], root, readers=reader_processes("cpu"), reporter=paced)
        heard.append(paced.times)

    seconds = alternately(ROUNDS, {"bare": partial(bare_loop, detector.detector, steady), "whole": whole})
    paces = [times[-1 - READ_AHEAD] - times[0] for times in heard]
    name = f"{detector.name}, {len(dataset.facts)} PNGs of 256²: run / bare loop, once it runs"
    ratio(name, paces, seconds["bare"], "1.05")
    besides = [
        all_of_it - pace * len(batches) / len(steady)
        for all_of_it, pace in zip(seconds["whole"], paces, strict=True)
    ]
    value("  what a run takes beside its batches", median(besides), "s")


def compare_work(dataset: Dataset, detector: LoadedDetector, root: Path) -> None:
    """Print the ratio of processor times, readers included: a busy machine disturbs it less than rates."""
    batches = prepared(dataset, detector)
    spent: dict[str, list[float]] = {"bare": [], "whole": []}
    for _ in range(ROUNDS):
        before = sum(times()[:4])
        bare_loop(detector.detector, batches)
        between = sum(times()[:4])
        score(dataset, [detector], root, readers=reader_processes("cpu"))
        spent["bare"].append(between - before)
        spent["whole"].append(sum(times()[:4]) - between)
    ratio("  the same, processor time of all processes", spent["whole"], spent["bare"], "1.05")


def account(dataset: Dataset, detector: LoadedDetector) -> None:
    """Print where a run's processor time goes, in milliseconds an image; readers have one thread."""
    (testset,) = dataset.testsets
    contents = [testset.source.read(sample.path) for sample in testset.samples[:SOME]]
    images = [decode(content) for content in contents]
    batches = prepared(dataset, detector)[:2]
    network = _milliseconds(lambda: bare_loop(detector.detector, batches), sum(map(len, batches)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    prepare = prepare_of(detector.detector)
    value("  decoding, processor time an image", _milliseconds(lambda: [*map(decode, contents)], SOME), "ms")
    value("  preparing, processor time an image", _milliseconds(lambda: [*map(prepare, images)], SOME), "ms")
    value("  network, processor time an image (all cores together)", network, "ms")
    torch.set_num_threads(threads)


def _milliseconds(task: Callable[[], object], images: int) -> float:
    begun = process_time()
    task()
    return 1000 * (process_time() - begun) / images


def command(root: Path, detector: LoadedDetector) -> float:
    """Return what the whole command (start, weights, run, tables) takes above the bare loop, in seconds."""
    few = open_folder(write_pngs(root / "few", 2 * SOME))
    batches = prepared(few, detector)
    begun = perf_counter()
    bare_loop(detector.detector, batches)
    bare = perf_counter() - begun
    weights = f"{WEIGHTS}={root / 'resnet50.pth'}"
    options = ("--detectors", RESNET_50, "--weights", weights, "--unverified", "--out", "command")
    return bench("run", *options, "--dataset", "few", folder=root).seconds - bare


def main() -> None:
    title("Overhead of the harness")
    with workplace() as root:
        dataset = open_folder(write_pngs(root / "pngs", scaled(256, 6 * SOME)))
        resnet, (probe,) = load_resnet(root), load_sample("univfd:lc")
        compare(dataset, resnet, root)
        compare_work(dataset, resnet, root)
        account(dataset, resnet)
        value("  what `bench run` takes above the bare loop", command(root, resnet), "s")
        larger = open_folder(write_pngs(root / "more", scaled(384, 6 * SOME)))
        compare(larger, probe, root)
        compare_work(larger, probe, root)
        account(larger, probe)


if __name__ == "__main__":
    main()
