"""What happens to an image between its test set and a detector: ``parse("blur:1.5+jpeg:75")``.

Every kind is a function of (RGB image, value, random generator) that returns an RGB image and leaves its
input as it was. The rows of `KINDS` are all that `parse` and ``bench list perturbations`` know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from . import frank
from .images import MAX_PIXELS, recompress
from .plugins import unknown
from .types import BenchError, Perturbation


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of `KINDS`.

    Attributes:
        apply: Maps (image, value, generator) to a new image.
        description: For ``bench list perturbations``.
        symbol: Name of the value in `syntax`; empty for a kind without one.
        number: Type of the value, which also rules how it is spelled: ``jpeg:75``, ``blur:1.0``.
        low: Smallest value allowed.
        high: Largest value allowed.
    """

    name: str
    apply: Callable[[Image.Image, float, np.random.Generator], Image.Image]
    description: str
    symbol: str = ""
    number: type[int] | type[float] = float
    low: float = 0
    high: float = 0

    @property
    def syntax(self) -> str:
        """How to write it, such as ``jpeg:Q``."""
        return f"{self.name}:{self.symbol}" if self.symbol else self.name

    @property
    def range(self) -> str:
        """The values allowed, in words; empty for a kind without one."""
        if not self.symbol:
            return ""
        return f"{'whole' if self.number is int else 'decimal'} number from {self.low} to {self.high}"


def parse(text: str) -> Perturbation:
    """Read one perturbation, or a chain of them joined by ``+`` and applied from left to right.

    The result is named canonically: ``jpeg:075`` is ``jpeg:75``, and ``none`` vanishes from chains.

    Raises:
        BenchError: A kind is unknown, or its value is missing or out of range.
    """
    steps = tuple(step for step in map(_parse_step, text.split("+")) if step.kind.name != "none")
    return Perturbation("+".join(step.name for step in steps) or "none", partial(_apply, steps))


def draw_generator(seed: int, perturbation: str, image_sha256: str) -> np.random.Generator:
    """Return the random generator of one image under one perturbation.

    It is a PCG64 seeded with the sha256 of the three arguments, one a line. So every detector sees the same
    pixels, on any machine, in any order of work.

    Args:
        seed: Of the run.
        perturbation: Canonical name of the whole chain; its steps draw one after the other.
        image_sha256: Of the image file, as hex.
    """
    digest = hashlib.sha256(f"{seed}\n{perturbation}\n{image_sha256}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


@dataclass(frozen=True, slots=True)
class _Step:
    """A kind with its value."""

    kind: Kind
    value: float

    @property
    def name(self) -> str:
        return f"{self.kind.name}:{self.value}" if self.kind.symbol else self.kind.name


def _apply(steps: tuple[_Step, ...], image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Run a chain, all of its steps drawing from one generator."""
    for step in steps:
        image = step.kind.apply(image, step.value, generator)
    return image


def _parse_step(text: str) -> _Step:
    """Read one part of a chain."""
    name, colon, value = text.strip().lower().partition(":")
    if name not in _BY_NAME:
        raise BenchError(unknown("perturbation", name, _BY_NAME))
    kind = _BY_NAME[name]
    if kind.symbol:
        return _Step(kind, _parse_value(kind, text, value))
    if colon:
        raise BenchError(f"perturbation '{text}': {name} takes no value; write '{name}'")
    return _Step(kind, 0)


def _parse_value(kind: Kind, text: str, value: str) -> float:
    """Read a kind's number in canonical form."""
    try:
        number = kind.number(value) + 0  # plus zero: -0.0 becomes 0.0
    except ValueError:
        number = kind.low - 1
    if not kind.low <= number <= kind.high:
        problem = "has a bad value" if value else "has no value"
        raise BenchError(
            f"perturbation '{text}' {problem}: write '{kind.syntax}', {kind.symbol} a {kind.range}"
        )
    return number


def _unchanged(image: Image.Image, _value: float, _generator: np.random.Generator) -> Image.Image:
    return image


def _jpeg(image: Image.Image, quality: float, _generator: np.random.Generator) -> Image.Image:
    return recompress(image, "JPEG", int(quality))


def _webp(image: Image.Image, quality: float, _generator: np.random.Generator) -> Image.Image:
    return recompress(image, "WEBP", int(quality))


def _blur(image: Image.Image, sigma: float, _generator: np.random.Generator) -> Image.Image:
    """Blur with scipy's 8-bit output, as the papers do: it truncates after the rows and after the columns."""
    from scipy.ndimage import gaussian_filter

    return Image.fromarray(gaussian_filter(np.asarray(image), sigma, output=np.uint8, axes=(0, 1)))


def _resize(image: Image.Image, factor: float, _generator: np.random.Generator) -> Image.Image:
    """Scale both sides, rounded, with Pillow's bilinear filter (antialiased when it shrinks)."""
    width, height = (max(1, round(side * factor)) for side in image.size)
    if width * height > MAX_PIXELS:
        raise BenchError(f"resize:{factor} of {image.width}×{image.height} gives over {MAX_PIXELS} pixels")
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _crop(image: Image.Image, fraction: float, generator: np.random.Generator) -> Image.Image:
    """Cut out a fraction of each side, rounded; draws the left edge, then the top one."""
    width, height = (max(1, round(side * fraction)) for side in image.size)
    left = int(generator.integers(image.width - width + 1))
    top = int(generator.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def _noise(image: Image.Image, sigma: float, generator: np.random.Generator) -> Image.Image:
    """Add normal noise to every value, then round and clip."""
    pixels = np.array(image)
    # Strips of rows draw the same numbers as a whole image would, in less memory.
    for strip in np.array_split(pixels, range(64, len(pixels), 64)):
        noisy = strip + sigma * generator.standard_normal(strip.shape)
        strip[...] = np.clip(np.rint(noisy), 0, 255)
    return Image.fromarray(pixels)


def _gray(image: Image.Image, _value: float, _generator: np.random.Generator) -> Image.Image:
    return image.convert("L").convert("RGB")


KINDS = (
    Kind("none", _unchanged, "the image as it is"),
    Kind("jpeg", _jpeg, "JPEG of quality Q, 4:2:0 (Pillow)", "Q", int, 1, 100),
    Kind("webp", _webp, "lossy WebP of quality Q (Pillow)", "Q", int, 1, 100),
    Kind("blur", _blur, "Gaussian blur, truncated to 8 bits as in CNNDetection", "SIGMA", float, 0, 100),
    Kind("resize", _resize, "sides times F, bilinear with antialiasing", "F", float, 0.01, 4),
    Kind("crop", _crop, "crop at a random place, sides times F", "F", float, 0.01, 1),
    Kind("noise", _noise, "Gaussian noise of SIGMA grey levels", "SIGMA", float, 0, 255),
    Kind("gray", _gray, "grey, on three channels"),
    Kind(
        "frank-blur",
        partial(frank.every_second, frank.blur),
        "every 2nd image: blur cut to 3, 5, 7 or 9 pixels",
    ),
    Kind(
        "frank-crop",
        partial(frank.every_second, frank.crop),
        "every 2nd image: 5 to 20 % cut off, enlarged again",
    ),
    Kind("frank-jpeg", partial(frank.every_second, frank.jpeg), "every 2nd image: JPEG of quality 10 to 75"),
    Kind(
        "frank-noise", partial(frank.every_second, frank.noise), "every 2nd image: noise of deviation 5 to 20"
    ),
    Kind("frank-combined", partial(frank.every_second, frank.combined), "every 2nd image: one of the four"),
)
_BY_NAME = {kind.name: kind for kind in KINDS}
