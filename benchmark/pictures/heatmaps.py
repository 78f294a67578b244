"""Numbers as colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from forenbench.perturbations.geometry import KERNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = (0, 64, 128, 192, 255)
_HEAT = ((0, 0, 128), (0, 128, 255), (128, 255, 128), (255, 128, 0), (128, 0, 0))
"""Dark blue, blue, green, orange, dark red."""
_RED, _BLUE = np.array([214, 39, 40], np.float32), np.array([31, 119, 180], np.float32)
_COVER = 0.8
_PALE = 96
"""What black becomes, so that colours show there; white becomes this and half of 255."""


def heat(channel: Image.Image) -> Image.Image:
    """Colour one 8-bit channel from dark blue (0) over green to dark red (255)."""
    # A table of our own: one colour map is not worth a start of matplotlib, a second of imports.
    table = np.stack([np.interp(np.arange(256), _LEVELS, colour) for colour in zip(*_HEAT, strict=True)], 1)
    return Image.fromarray(np.rint(table).astype(np.uint8)[np.asarray(channel)])


def grey(values: NDArray[np.float64], black: float, white: float) -> Image.Image:
    """Turn numbers (h, w) into grey, cut off at black and white."""
    span = white - black or 1
    return Image.fromarray(np.rint(255 * ((values - black) / span).clip(0, 1)).astype(np.uint8)).convert(
        "RGB"
    )


def overlay(picture: Image.Image, values: NDArray[np.float32], strongest: float | None = None) -> Image.Image:
    """Lay numbers over a picture in pale grey: red where positive, blue where negative, clear where zero.

    Args:
        picture: RGB.
        values: Of any shape (h, w), stretched over the picture by linear interpolation.
        strongest: How far from zero a value of full colour is; by default, the farthest of these.
    """
    # One scale for both signs: red and blue of equal depth speak equally loud.
    if strongest is None:
        strongest = float(np.abs(values).max()) or 1.0
    share = Image.fromarray((values / strongest).astype(np.float32)).resize(picture.size, KERNELS["bilinear"])
    strength = np.asarray(share)[..., None]
    colour = np.where(strength > 0, _RED, _BLUE)
    plain = _PALE + np.asarray(picture.convert("L").convert("RGB"), np.float32) / 2
    mixed = plain + np.abs(strength) * _COVER * (colour - plain)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))
