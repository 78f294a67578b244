"""The blur against SciPy's, level for level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from forenbench.perturbations import draw_generator, parse

Pixels = NDArray[np.uint8]
RANDOM = np.random.default_rng(5)


def uniform(height: int, width: int) -> Pixels:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


def even(height: int, width: int) -> Pixels:
    """Bands of all levels: the last digit of the weights decides what becomes of each."""
    return np.repeat(np.arange(height, dtype=np.uint8)[:, None], width, 1)[..., None].repeat(3, 2)


def ramp(height: int, width: int) -> Pixels:
    """Sums of these are whole numbers, or next to one, without being even."""
    rows, columns = np.ogrid[:height, :width]
    return np.stack([rows + columns, 255 - columns + 0 * rows, 2 * rows + columns // 3], -1).astype(np.uint8)


def patches(height: int, width: int) -> Pixels:
    """Even areas beside each other, as in drawings; black and white among them."""
    small = RANDOM.choice(np.uint8([0, 1, 128, 254, 255]), (height // 40 + 1, width // 30 + 1, 3))
    return np.repeat(np.repeat(small, 40, 0), 30, 1)[:height, :width]


def same(pixels: Pixels, sigma: float) -> bool:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    made = parse(f"blur:{sigma}").apply(image, draw_generator(0, "", ""))
    expected = gaussian_filter(pixels, sigma, output=np.uint8, axes=(0, 1))
    return made.mode == "RGB" and np.array_equal(np.asarray(made), expected)


@pytest.mark.parametrize("texture", [uniform, even, ramp, patches])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0, 2.5, 7.7])
def test_every_level_is_scipys(texture: Callable[[int, int], Pixels], sigma: float) -> None:
    assert same(texture(256, 90), sigma)
    assert same(texture(90, 256).swapaxes(0, 1), sigma)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (3, 5), (16, 16), (17, 15), (33, 31)]
)
@pytest.mark.parametrize("sigma", [0.0, 1e-9, 0.12, 0.125, 1.0, 3.0, 30.0])
def test_pictures_smaller_than_the_kernel_are_mirrored_as_scipy_does(
    size: tuple[int, int], sigma: float
) -> None:
    assert same(uniform(*size), sigma)
    assert same(ramp(*size), sigma)


@pytest.mark.parametrize("size", [(3, 70_000), (70_000, 3), (400, 700)])
def test_strips_meet_without_a_seam(size: tuple[int, int]) -> None:
    assert same(uniform(*size), 1.0)


def test_the_widest_blur_is_scipys_too() -> None:
    assert same(uniform(20, 500), 100.0)


def test_the_picture_is_left_as_it_was_and_never_handed_on() -> None:
    image = Image.fromarray(uniform(20, 30))
    before = image.tobytes()
    for sigma in ("0", "0.1", "2"):
        assert parse(f"blur:{sigma}").apply(image, draw_generator(0, "", "")) is not image
    assert image.tobytes() == before
