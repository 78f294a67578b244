"""A whole run of one detector against the bare loop of its network over the same prepared tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time

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
from forenbench.scoring.reading import reader_processes

ROUNDS, SOME = 3, 32


def compare(dataset: Dataset, detector: LoadedDetector, root: Path) -> float:
    """Print the ratio for a run in this process; return the bare loop's seconds."""
    batches = prepared(dataset, detector)
    bare_loop(detector.detector, batches[:1])
    bare = partial(bare_loop, detector.detector, batches)
    whole = partial(score, dataset, [detector], root, readers=reader_processes("cpu"))
    seconds = alternately(ROUNDS, {"bare": bare, "whole": whole})
    name = f"{detector.name}, {len(dataset.facts)} PNGs of 256²: run / bare loop"
    ratio(name, seconds["whole"], seconds["bare"], "1.05")
    return median(seconds["bare"])


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


def command(root: Path) -> float:
    """Return the seconds of the whole command with ResNet-50: start, weights, run and tables."""
    weights = f"{WEIGHTS}={root / 'resnet50.pth'}"
    options = ("--detectors", RESNET_50, "--weights", weights, "--unverified", "--out", "command")
    return bench("run", *options, "--dataset", str(root / "pngs"), folder=root).seconds


def main() -> None:
    title("Overhead of the harness")
    with workplace() as root:
        dataset = open_folder(write_pngs(root / "pngs", scaled(128, SOME)))
        resnet, (probe,) = load_resnet(root), load_sample("univfd:lc")
        seconds = compare(dataset, resnet, root)
        account(dataset, resnet)
        value("  what `bench run` takes above the bare loop", command(root) - seconds, "s")
        larger = open_folder(write_pngs(root / "more", scaled(384, SOME)))
        compare(larger, probe, root)
        account(larger, probe)


if __name__ == "__main__":
    main()
