"""Resizing and cropping.

Pillow resizes 8-bit pixels in whole numbers (kernels rounded to 22 bits), and crops copy: both give the same
pixels on every machine. Sides are rounded, halves to even, and never vanish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from forenbench.errors import BenchError
from forenbench.images.effort import max_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from forenbench.draws import Draw

KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Pillow's resampling kernels by name; all but "nearest" widen as they shrink, against aliasing."""

_JPEG_BLOCK = 8
_WINDOW_STEPS = 4


def resize(image: Image.Image, factor: float, kernel: str) -> Image.Image:
    """Scale both sides.

    Raises:
        BenchError: The result would be larger than an image may be.
    """
    width, height = _scaled(image.size, factor)
    # 4 times the sides is 16 times the memory: refused as a file of that size would be.
    if width * height > max_pixels():
        raise BenchError(f"resize:{factor} of {image.width}×{image.height} gives over {max_pixels()} pixels")
    return image.resize((width, height), KERNELS[kernel])


def downup(image: Image.Image, factor: float, kernel: str) -> Image.Image:
    """Scale both sides down, then back to the old size with the same kernel."""
    # To the old size, not back by 1 / factor, which rounding could leave a pixel off.
    return image.resize(_scaled(image.size, factor), KERNELS[kernel]).resize(image.size, KERNELS[kernel])


def fit(image: Image.Image, longest: int, kernel: str) -> Image.Image:
    """Shrink an image whose longer side has more pixels than allowed; leave others as they are."""
    if max(image.size) <= longest:
        return image
    return image.resize(_scaled(image.size, longest / max(image.size)), KERNELS[kernel])


def square(image: Image.Image, side: int) -> Image.Image:
    """Resize the largest square of the middle to one size, bilinear."""
    return ImageOps.fit(image, (side, side), KERNELS["bilinear"])


def crop(image: Image.Image, fraction: float, draw: Draw) -> Image.Image:
    """Cut out a fraction of each side at a random place."""
    width, height = _scaled(image.size, fraction)
    left = draw.integer("left", 0, image.width - width)
    top = draw.integer("top", 0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def crop_centre(image: Image.Image, fraction: float) -> Image.Image:
    """Cut a fraction of each side out of the middle, which is rounded as torchvision does, halves to even."""
    width, height = _scaled(image.size, fraction)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def crop_texture(image: Image.Image, fraction: float) -> Image.Image:
    """Cut out the most textured window of a fraction of each side.

    Texture is the standard deviation of grey, one of the measures of TextureCrop (Konstantinidou et al.,
    arXiv 2407.15500). Windows lie a quarter of a window apart, and along the far edges; of equals the first
    in reading order wins. Compared as whole numbers, so that rounding has no say.
    """
    grey = np.asarray(image.convert("L")).astype(np.uint16)  # just holds the squares, up to 65,025
    width, height = _scaled(image.size, fraction)
    tops, lefts = _starts(image.height, height), _starts(image.width, width)
    total = _window_sums(grey, (tops, height), (lefts, width))
    squares = _window_sums(grey * grey, (tops, height), (lefts, width))
    # n² times the variance, in Python's integers: of 60 megapixels the products are beyond 64 bits.
    spread = width * height * squares - total * total
    row, column = divmod(int(spread.argmax()), len(lefts))
    left, top = int(lefts[column]), int(tops[row])
    return image.crop((left, top, left + width, top + height))


def shift(image: Image.Image, draw: Draw) -> Image.Image:
    """Cut 1 to 7 pixels off the left and off the top, at least one being left.

    Between two JPEGs it sets the blocks of the second across those of the first, as re-saving a crop does.
    """
    left = draw.integer("left", 1, _JPEG_BLOCK - 1)
    top = draw.integer("top", 1, _JPEG_BLOCK - 1)
    return image.crop((min(left, image.width - 1), min(top, image.height - 1), image.width, image.height))


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Multiply width and height, rounded, each at least one pixel."""
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def _starts(side: int, window: int) -> NDArray[np.int_]:
    """List where windows begin along a side."""
    # The far edge as well, however it divides: else a strip there would never be in a window.
    last = side - window
    return np.unique([*range(0, last, max(1, window // _WINDOW_STEPS)), last])


def _window_sums(
    values: NDArray[np.uint16], rows: tuple[NDArray[np.int_], int], columns: tuple[NDArray[np.int_], int]
) -> NDArray[np.object_]:
    """Sum values over every window, exactly.

    Args:
        values: (height, width).
        rows: Where windows begin from the top, and their height.
        columns: Where they begin from the left, and their width.

    Returns:
        Python integers (rows, columns).
    """
    for axis, (starts, length) in enumerate((rows, columns)):
        edges = np.union1d(starts, starts + length)
        between = np.add.reduceat(values, edges[:-1], axis=axis, dtype=np.int64)
        before = np.insert(between.cumsum(axis), 0, 0, axis=axis)
        first, last = np.searchsorted(edges, starts), np.searchsorted(edges, starts + length)
        values = before.take(last, axis) - before.take(first, axis)
    return values.astype(object)
