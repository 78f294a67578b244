"""Sharpening and noise; for the blur see `forenbench.perturbations.gaussian`.

The arithmetic of both is single operations of double precision, each rounded as the IEEE standard says, so
that machines agree. NumPy's normal and Poisson numbers compare with logarithms at times; a library with
another last digit would change about one in 10**15 of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from forenbench.draws import Draw

_STRIP = 32
_WHITE = 255


def sharpen(image: Image.Image, amount: float) -> Image.Image:
    """Add `amount` times the difference from the mean of 3×3 pixels, borders repeated; round and clip."""
    pixels = np.asarray(image)
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    sharp = np.empty_like(pixels)
    for top in range(0, len(pixels), _STRIP):
        strip = pixels[top : top + _STRIP].astype(np.float64)
        area = padded[top : top + len(strip) + 2].astype(np.float64)
        # The sums of up to nine bytes are whole and exact as floats: the only rounding is the division's.
        rows = area[:-2] + area[1:-1] + area[2:]
        around = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
        sharp[top : top + _STRIP] = _to_bytes(strip + amount * (9 * strip - around) / 9)
    return Image.fromarray(sharp)


def noise(image: Image.Image, sigma: float, draw: Draw) -> Image.Image:
    """Add normal noise to every value, then round and clip."""
    # np.array, not asarray: the strips are written to, and the input has to stay as it was.
    pixels = np.array(image)
    for strip in strips(pixels):
        values = draw.normal(strip.shape)
        values *= sigma
        values += strip
        strip[...] = _to_bytes(values)
    return Image.fromarray(pixels)


def poisson(image: Image.Image, photons: int, draw: Draw) -> Image.Image:
    """Count photons in place of every value, white being a mean of `photons`; round and clip."""
    pixels = np.array(image)
    for strip in strips(pixels):
        counts = draw.poisson(strip.astype(np.float64) * photons / _WHITE)
        strip[...] = _to_bytes(counts * _WHITE / photons)
    return Image.fromarray(pixels)


def strips(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Split pixels (height, width, …) into views of a few rows, to work on in little memory.

    Fields of random numbers drawn strip by strip are those that the whole picture would draw.
    """
    # At 60 megapixels a whole picture in float64 takes 1.4 GB, and an expression holds several of them.
    return np.array_split(pixels, range(_STRIP, len(pixels), _STRIP))


def _to_bytes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round, halves to even, and clip to 8 bits, in place: a second array would leave the cache."""
    return np.clip(np.rint(values, out=values), 0, _WHITE, out=values)
