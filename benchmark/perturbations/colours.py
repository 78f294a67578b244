"""Colour and tone: the same pixels on every machine, since all of it is done by tables or in whole steps."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .filters import strips

if TYPE_CHECKING:
    from forenbench.draws import Draw

_WHITE = 255


def gray(image: Image.Image) -> Image.Image:
    """Replace colour by its luma (ITU-R 601-2, Pillow's whole-number formula) on all three channels."""
    return image.convert("L").convert("RGB")


def gamma(image: Image.Image, exponent: float) -> Image.Image:
    """Raise values, as fractions of white, to a power: above 1 darkens."""
    return image.point(list(_gamma_table(exponent)) * 3)


def jitter(image: Image.Image, strength: float, draw: Draw) -> Image.Image:
    """Change brightness, then contrast, then saturation by factors uniform in 1 ± `strength`.

    Values move away from or towards black, the mean luma, and each pixel's luma; each step rounds and clips.
    """
    # All are drawn before anything is done, so that the draw does not depend on the picture.
    low, high = 1 - strength, 1 + strength
    brightness = draw.uniform("brightness", low, high)
    contrast = draw.uniform("contrast", low, high)
    saturation = draw.uniform("saturation", low, high)
    image = image.point(_line_table(brightness, 0) * 3)
    # The mean of the histogram, in whole numbers, halves up: a mean of floats may round otherwise on another
    # machine, and one level of it shifts every pixel.
    counts = image.convert("L").histogram()
    number, total = sum(counts), sum(value * count for value, count in enumerate(counts))
    image = image.point(_line_table(contrast, (2 * total + number) // (2 * number)) * 3)
    # Saturation is no table of one channel: each value moves away from its own pixel's luma.
    pixels, luma = np.array(image), np.asarray(image.convert("L"))[..., None]
    for strip, grey in zip(strips(pixels), strips(luma), strict=True):
        strip[...] = np.clip(np.rint(grey + saturation * (strip.astype(np.float64) - grey)), 0, _WHITE)
    return Image.fromarray(pixels)


def _line_table(slope: float, pivot: int) -> list[int]:
    """Tabulate a straight line through (pivot, pivot), rounded and clipped."""
    return [min(_WHITE, max(0, round(pivot + slope * (value - pivot)))) for value in range(_WHITE + 1)]


@cache
def _gamma_table(exponent: float) -> tuple[int, ...]:
    """Tabulate a power of every value."""
    # In decimal arithmetic, which is the same everywhere; a C library's pow() may differ in its last bit, and
    # so in a rounded level. 256 such powers take milliseconds, hence the cache.
    power = Decimal(exponent)
    return tuple(round(_WHITE * (Decimal(value) / _WHITE) ** power) for value in range(_WHITE + 1))
