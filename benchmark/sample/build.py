"""Builds the `sample` dataset into a folder: `<split>/<family>/{0_real,1_fake}/<photograph>_<number>.png`.

The labels are paired: a fake is made from the very crop that stands beside it under the same name. Content is
then exactly the same for both labels even in a small test set, so only how an image was made can separate
them. Every family has crops of its own, so no image of the dataset occurs twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import torch

from .fakes import WEIGHTS, generate, load_generator
from .photographs import crop, photographs

REAL, FAKE = "0_real", "1_fake"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a split holds: which families, and how many crops of each photograph for each of them."""

    families: tuple[str, ...]
    crops: int


EXTENTS: Mapping[str, Extent] = {
    "test": Extent(("transposed", "nearest", "blurred", "superres", "vae", "diffusion"), 7),
    "train": Extent(("nearest",), 80),
}


def build(
    folder: Path,
    report: Callable[[int, int], None] | None = None,
    *,
    split: str = "test",
    extent: Extent | None = None,
    weights: Path = WEIGHTS,
) -> None:
    """Write one split as `<folder>/<split>`, unless it is there; the same bytes every time on one platform.

    Args:
        folder: The dataset's folder; made where it is missing.
        report: Called with the number of images done and the number in all.
        split: "test", or "train", which only the training of detectors needs.
        extent: Another extent than the dataset's own (tests build a smaller one).
        weights: The folder of the generators' weights.

    Raises:
        BenchError: There is no such split, or a photograph is not the one the dataset was made from.
    """
    sources, extent = photographs(split), extent or EXTENTS[split]
    target = folder / split
    if target.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    done, total = 0, 2 * len(extent.families) * len(sources) * extent.crops
    threads = torch.get_num_threads()
    # Beside its place, not in /tmp: a rename within one file system is all or nothing.
    with TemporaryDirectory(prefix=f".{split}-", dir=folder) as unfinished, ExitStack() as restoring:
        # How a sum is split over threads shows in its last bits, and in some pixel: one thread, the same
        # files.
        torch.set_num_threads(1)
        restoring.callback(torch.set_num_threads, threads)
        for family in extent.families:
            generator = load_generator(family, weights)
            for label in (REAL, FAKE):
                (Path(unfinished) / split / family / label).mkdir(parents=True)
            for photograph, number in product(sources, range(extent.crops)):
                name = f"{photograph.name}_{number:02}.png"
                real = crop(photograph, family, number)
                # The seed comes from the name, not from a stream: a smaller extent has the same fakes.
                fake = generate(generator, real, seed=crc32(f"{family}/{name}".encode()))
                real.save(Path(unfinished) / split / family / REAL / name)
                fake.save(Path(unfinished) / split / family / FAKE / name)
                done += 2
                if report:
                    report(done, total)
        try:
            (Path(unfinished) / split).rename(target)
        except OSError:
            # Another process was faster, with the same bytes.
            if not target.is_dir():
                raise
