"""SciPy's blur of 8-bit pixels, level for level, but faster.

A level is the whole part of a sum of weighted pixels, and SciPy's sums decide which one. Products of
matrices in single precision come close enough to all but few of them: only where a sum lies so near a whole
number that its error might put it on the other side does SciPy itself say what the level is. So neither the
order in which a library of matrices adds nor the processor has a say in the pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Levels = NDArray[np.uint8]
    Number = TypeVar("Number", np.uint8, np.float32)

_STRIP = 1 << 17
"""Pixels that are worked on at a time: a few arrays of so many floats stay in a core's cache."""
_BLOCK = 16
"""Neighbouring pixels that one product makes: more waste it on zeros, fewer are slower."""
_ROUNDING = 2.0**-24
"""Of single precision: relative error of one operation."""


def reach(sigma: float) -> int:
    """Return how many pixels away a pixel still counts: SciPy cuts its Gaussian off at four deviations."""
    return int(4 * sigma + 0.5)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """Blur with SciPy's 8-bit output, as the papers do: it cuts off after the columns and after the rows.

    Cutting off makes even areas depend on the last digit of the weights, exponentials by NumPy: the golden
    tests show that a machine's are those of the published code.
    """
    if not reach(sigma):
        return image.copy()
    bands = []
    for band in image.split():
        # In SciPy's order: first the columns, whose levels are cut to 8 bits before the rows are begun.
        blurred = _down(_down(np.asarray(band), sigma), sigma)
        bands.append(Image.fromarray(blurred))
    return Image.merge("RGB", bands)


class _Product(NamedTuple):
    """What a deviation's blur does to a piece of 16 + 2 × reach pixels.

    Attributes:
        matrix: The weights, float32 (16 + 2 × reach, 16): the piece times it is blurred but for its ends.
        doubt: A sum of which less than this stands behind the point may be a level too high.
        even: What becomes of an even piece of each level (256, 1).
    """

    matrix: NDArray[np.float32]
    doubt: float
    even: Levels


@lru_cache(maxsize=8)
def _product(sigma: float) -> _Product:
    from scipy.ndimage import gaussian_filter1d

    radius = reach(sigma)
    # SciPy's weights are what it makes of a single one; nothing is added to them, so they are exact.
    weights = gaussian_filter1d(np.eye(1, 2 * radius + 1, radius)[0], sigma, mode="constant")
    # With no term below zero, the error of a sum is relative to it: a rounding for each weight, product and
    # addition, in whatever order; the rest is room. Weights that are too great by that much make every guess
    # too high rather than too low, by no more than twice of it: only one side of whole numbers is in doubt.
    error = (2 * radius + 8) * _ROUNDING
    matrix = np.zeros((_BLOCK + 2 * radius, _BLOCK), np.float32)
    for column in range(_BLOCK):
        matrix[column : column + 2 * radius + 1, column] = weights * (1 + error)
    # Of a line of one pixel, SciPy sees repetitions.
    every = np.arange(256, dtype=np.uint8)[:, None]
    even = gaussian_filter1d(every, sigma, axis=1, output=np.uint8)
    return _Product(matrix, 256 * 2 * error * 1.01, even)


def _down(levels: Levels, sigma: float) -> Levels:
    """Blur the columns of (height, width), and return them as rows: (width, height)."""
    # Turned over on the way, which products do for nothing: so twice blurs rows as well, the right way up.
    (height, width), radius = levels.shape, reach(sigma)
    # SciPy's "reflect", and some more of it below until pieces are whole.
    padded = np.pad(levels, ((radius, radius + -height % _BLOCK), (0, 0)), "symmetric")
    blurred = np.empty((width, height), np.uint8)
    step = max(1, _STRIP // (width * _BLOCK)) * _BLOCK
    for top in range(0, height, step):
        place = blurred[:, top : top + step]
        place[...] = _strip(padded[top : top + step + 2 * radius], sigma)[:, : place.shape[1]]
    return blurred


def _strip(padded: Levels, sigma: float) -> Levels:
    """Blur columns (16 × n + 2 × reach, width) but for their ends; return rows (width, 16 × n)."""
    from scipy.ndimage import gaussian_filter1d

    (matrix, doubt, of_even), radius = _product(sigma), reach(sigma)
    floats = _pieces(padded.astype(np.float32), len(matrix))
    sums = np.empty((floats.shape[1], len(floats), _BLOCK), np.float32)
    np.matmul(floats, matrix, out=sums.swapaxes(0, 1))
    floors = np.floor(sums)
    levels = floors.astype(np.uint8)
    # Eight answers at a time: any() would take as long as the product.
    halves = (np.subtract(sums, floors, out=sums) < doubt).view(np.uint64)
    doubtful = (halves[..., 0] | halves[..., 1]) != 0
    pieces = _pieces(padded, len(matrix)).swapaxes(0, 1)
    if np.count_nonzero(doubtful) > doubtful.size / 8:
        # Even ones are doubtful throughout, as those of a white sky, but there are only 256 of them.
        even = pieces.max(axis=2) == pieces.min(axis=2)
        levels[even] = of_even[pieces[even, 0]]
        doubtful &= ~even
    levels[doubtful] = gaussian_filter1d(pieces[doubtful], sigma, axis=1, output=np.uint8)[:, radius:-radius]
    return levels.reshape(len(levels), -1)


def _pieces(columns: NDArray[Number], length: int) -> NDArray[Number]:
    """View what each 16 pixels of columns (16 × n + 2 × reach, width) are made from: (n, width, length)."""
    down, across = columns.strides
    shape = ((len(columns) - length) // _BLOCK + 1, columns.shape[1], length)
    return as_strided(columns, shape, (_BLOCK * down, across, down), writeable=False)
