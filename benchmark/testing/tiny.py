"""Tiny images, datasets and results for contracts, and a detector simple enough to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from forenbench.types import FAKE, REAL

# The usual one first; odd sides, a single pixel and a line, for crops and strides that assume more.
SIZES = ((256, 256), (224, 224), (301, 257), (480, 640), (64, 48), (1, 1), (3, 500))
"""(width, height) of the images that `check_detector` shows a detector."""


@dataclass(slots=True)
class CheckResult:
    """One check of the contract; `problem` is empty where it is kept."""

    check: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Images in memory, or whole files, as a source; `path` is the position in the list."""

    images: Sequence[Image.Image | bytes]

    def read(self, path: str) -> bytes:
        """Return a file as it is, an image as a PNG file's bytes."""
        image = self.images[int(path)]
        return image if isinstance(image, bytes) else quick_png(image)


class Brightness:
    """Calls bright images generated: score = mean of all samples / 255."""

    name = "brightness"
    version = "1"
    threshold = 0.5

    def prepare(self, image: Image.Image) -> Tensor:
        """Return the mean of all samples, shape (1,), in [0, 1]."""
        return torch.tensor([np.asarray(image, np.float64).mean() / 255], dtype=torch.float32)

    def score(self, batch: Tensor) -> Tensor:
        """Map (n, 1) to (n,)."""
        return batch[:, 0]


def quick_png(image: Image.Image) -> bytes:
    """Return an image as a PNG file's bytes, which nobody keeps: they need not be small."""
    buffer = BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def tiny_image(seed: int, width: int = 32, height: int = 24) -> Image.Image:
    """Return an RGB image of coarse random blocks, the same for the same arguments."""
    # Blocks rather than noise: they survive the resizing that a detector's `prepare` begins with.
    # RandomState's numbers are the same in every version of NumPy.
    blocks = np.random.RandomState(seed).randint(0, 256, (4, 4, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)


def write_tiny_dataset(folder: Path, generators: Sequence[str] = ("alpha", "beta"), images: int = 4) -> None:
    """Write ``<generator>/{0_real,1_fake}/<i>.png``; fakes are brighter, which `Brightness` sees."""
    for g, generator in enumerate(generators):
        for label, name in ((REAL, "0_real"), (FAKE, "1_fake")):
            (folder / generator / name).mkdir(parents=True)
            for i in range(images):
                dark = tiny_image(100 * g + i).point(lambda value: value // 3)
                image = dark.point(lambda value: value + 150) if label == FAKE else dark
                image.save(folder / generator / name / f"{i}.png")
