"""The images behind the golden numbers, made from a formula (smooth random colour fields plus noise).

Image number k draws from ``RandomState(1000 * SEED + k)``: first a coarse grid of random values, which is
stretched bilinearly over the image (corner to corner), then normal noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SEED = 7


class Formula(NamedTuple):
    """Size, kind of file, and texture of one image: pixels per grid cell, deviation of the noise."""

    height: int
    width: int
    kind: str
    cell: int
    noise: float


IMAGES = {
    "rgb256a": Formula(256, 256, "RGB", 32, 4),
    "rgb256b": Formula(256, 256, "RGB", 12, 10),
    "rgb224": Formula(224, 224, "RGB", 48, 2),
    "rgb180x200": Formula(180, 200, "RGB", 20, 6),
    "rgb301x257": Formula(301, 257, "RGB", 64, 8),
    "rgb384x512": Formula(384, 512, "RGB", 40, 3),
    "rgb640x480": Formula(640, 480, "RGB", 80, 12),
    "gray256": Formula(256, 256, "L", 24, 5),
    "rgba256": Formula(256, 256, "RGBA", 32, 5),
    "pal256": Formula(256, 256, "P", 28, 3),
    "gray16": Formula(256, 256, "I;16", 36, 3),
    "jpeg256": Formula(256, 256, "JPEG", 32, 5),
}

MORE = {"rgb602x650": Formula(602, 650, "RGB", 56, 5)}
"""Numbers of single detectors alone have these; they are counted on from the twelve."""

_CHANNELS = {"L": 1, "I;16": 1, "RGBA": 4}


def make_array(name: str, seed: int = SEED) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the stored samples: uint8 (H, W[, C]), or uint16 for ``I;16``; palette indices for ``P``."""
    kind = (IMAGES | MORE)[name].kind
    field = _field(name, seed)
    if kind == "I;16":
        return np.clip(np.rint(257 * field[..., 0]), 0, 65535).astype(np.uint16)
    samples: NDArray[np.uint8] = np.clip(np.rint(field), 0, 255).astype(np.uint8)
    if kind == "P":  # three bits of red, three of green, two of blue
        red, green, blue = np.moveaxis(samples, -1, 0)
        samples = (red & 0b11100000) | (green >> 5 << 2) | (blue >> 6)
    return samples[..., 0] if kind == "L" else samples


def write_image(name: str, folder: Path, seed: int = SEED) -> Path:
    """Write an image in its own format and return the path."""
    kind = (IMAGES | MORE)[name].kind
    image = Image.fromarray(make_array(name, seed))
    if kind == "JPEG":
        path = folder / f"{name}.jpg"
        image.save(path, quality=90, subsampling="4:2:0")
        return path
    if kind == "P":
        image.putpalette(
            [level for n in range(256) for level in (36 * (n >> 5), 36 * (n >> 2 & 7), 85 * (n & 3))]
        )
    path = folder / f"{name}.png"
    image.save(path)
    return path


def _field(name: str, seed: int) -> NDArray[np.float64]:
    """Return the noisy colour field (H, W, C) before rounding."""
    formula = (IMAGES | MORE)[name]
    random = np.random.RandomState(1000 * seed + list(IMAGES | MORE).index(name))
    size, channels = (formula.height, formula.width), _CHANNELS.get(formula.kind, 3)
    knots = [-(-side // formula.cell) + 1 for side in size]
    grid = random.randint(0, 256, size=(*knots, channels)).astype(np.float64)
    return _stretch(grid, *size) + formula.noise * random.randn(*size, channels)


def _stretch(grid: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Interpolate bilinearly with the corners aligned: columns first, in each knot row, then rows."""
    top, down = _positions(height, len(grid))
    left, right = _positions(width, grid.shape[1])
    down, right = down[:, None, None], right[None, :, None]
    columns = grid[:, left] * (1 - right) + grid[:, left + 1] * right
    return columns[top] * (1 - down) + columns[top + 1] * down


def _positions(side: int, knots: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return, for every pixel, the knot before it and how far it is on the way to the next."""
    place = np.arange(side) * (knots - 1) / (side - 1)
    before = np.minimum(place.astype(np.intp), knots - 2)
    return before, place - before
