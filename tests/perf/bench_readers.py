"""How many reader processes serve a model on the CPU: images a second with 0, 1 and 2 of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from measuring import alternately, ratio, scaled, title
from workloads import Corner, load_resnet, load_sample, open_folder, score, workplace, write_jpegs, write_pngs

from forenbench.data.dataset import Dataset
from forenbench.plugins.loaded import LoadedDetector

ROUNDS = 3


def compare(what: str, dataset: Dataset, detectors: Sequence[LoadedDetector], root: Path) -> None:
    """Print how much faster one and two readers are than none."""
    tasks = {f"{n}": partial(score, dataset, detectors, root, readers=n) for n in (0, 1, 2)}
    seconds = alternately(ROUNDS, tasks)
    for number in "12":
        ratio(f"{what}: images/s with {number} / with 0", seconds["0"], seconds[number])


def main() -> None:
    title("Reader processes")
    with workplace() as root:
        pngs = open_folder(write_pngs(root / "pngs", scaled(64, 32)))
        compare("ResNet-50, PNGs of 256²", pngs, [load_resnet(root)], root)
        many = open_folder(write_pngs(root / "many", scaled(256, 32)))
        compare("UnivFD on EfficientNet-Lite0, PNGs of 256²", many, load_sample("univfd:lc"), root)
        jpegs = open_folder(write_jpegs(root / "jpegs", scaled(256, 32), 1024))
        compare("next to no network, JPEGs of 1024²", jpegs, [LoadedDetector(Corner(), "own")], root)


if __name__ == "__main__":
    main()
