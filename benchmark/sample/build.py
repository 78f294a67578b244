"""Builds the `sample` dataset into a folder: `<split>/<family>/{0_real,1_fake}/<photograph>_<number>.png`.

The labels are paired: a fake is made from the very crop that stands beside it under the same name. Content is
then exactly the same for both labels even in a small test set, so only how an image was made can separate
them. Every family has crops of its own, so no image of the dataset occurs twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import torch
from PIL import Image

from .generators import WEIGHTS, generate, load_generator
from .photographs import Photograph, crop, photographs

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
    total = 2 * len(extent.families) * len(sources) * extent.crops
    with TemporaryDirectory(prefix=f".{split}-", dir=folder) as unfinished:
        pairs = _pairs(sources, extent, weights)
        for done, (family, name, *images) in enumerate(pairs, start=1):
            for label, image in zip((REAL, FAKE), images, strict=True):
                file = Path(unfinished) / split / family / label / name
                file.parent.mkdir(parents=True, exist_ok=True)
                image.save(file)
            if report:
                report(2 * done, total)
        _publish(Path(unfinished) / split, target)


def _pairs(
    sources: Sequence[Photograph], extent: Extent, weights: Path
) -> Iterator[tuple[str, str, Image.Image, Image.Image]]:
    """Make a split's pairs one by one: family, file name, real image, fake image."""
    for family in extent.families:
        generator = load_generator(family, weights)
        for photograph, number in product(sources, range(extent.crops)):
            name = f"{photograph.name}_{number:02}.png"
            real = crop(photograph, family, number)
            with _one_thread():
                fake = generate(generator, real, seed=crc32(f"{family}/{name}".encode()))
            yield family, name, real, fake


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: how sums are split over threads shows in their last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _publish(folder: Path, target: Path) -> None:
    """Give a finished folder its name, unless another process was faster with the same bytes."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
