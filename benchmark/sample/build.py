"""Builds the `sample` dataset into a folder: `<split>/<family>/{0_real,1_fake}/<photograph>_<number>.png`.

The labels are paired: a fake is made from the very crop that stands beside it under the same name. Content is
then exactly the same for both labels even in a small test set, so only how an image was made can separate
them. Every family has crops of its own, so no image of the dataset occurs twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import torch

from forenbench.files.forked import in_processes, most

from .fakes import WEIGHTS, generate, load_generator
from .generators import Generator
from .photographs import Photograph, crop, load, photographs

REAL, FAKE = "0_real", "1_fake"
_PAIRS_EACH = 10
"""How many pairs of images a process makes at least: for fewer, its start would not pay."""


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
    pairs = list(product(extent.families, sources, range(extent.crops)))
    threads = torch.get_num_threads()
    # Beside its place, not in /tmp: a rename within one file system is all or nothing.
    with TemporaryDirectory(prefix=f".{split}-", dir=folder) as unfinished, ExitStack() as ending:
        # How a sum is split over threads shows in its last bits, and in some pixel: one thread, the same
        # files. Also, a forked process would wait for ever for threads that this one has and it has not.
        torch.set_num_threads(1)
        ending.callback(torch.set_num_threads, threads)
        place = Path(unfinished) / split
        for family, label in product(extent.families, (REAL, FAKE)):
            (place / family / label).mkdir(parents=True)
        # Read here, and not in each process.
        generators = {family: load_generator(family, weights) for family in extent.families}
        for photograph in sources:
            load(photograph)
        write = partial(_write_pair, place, generators)
        made = in_processes(write, pairs, min(most(), len(pairs) // _PAIRS_EACH))
        ending.enter_context(closing(made))
        for done, _ in enumerate(made, start=1):
            if report:
                report(2 * done, 2 * len(pairs))
        try:
            place.rename(target)
        except OSError:
            # Another process was faster, with the same bytes.
            if not target.is_dir():
                raise


def _write_pair(place: Path, generators: Mapping[str, Generator], pair: tuple[str, Photograph, int]) -> None:
    family, photograph, number = pair
    name = f"{photograph.name}_{number:02}.png"
    real = crop(photograph, family, number)
    # The seed comes from the name, not from a stream: a smaller extent has the same fakes.
    fake = generate(generators[family], real, seed=crc32(f"{family}/{name}".encode()))
    real.save(place / family / REAL / name)
    fake.save(place / family / FAKE / name)
