"""Resizing kernels by their formulae, and which pixels crops keep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import functional

from forenbench.perturbations import draw_generator, parse

Kernel = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel with a = -1/2."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


KERNELS: dict[str, tuple[Kernel, float]] = {
    "": (lambda x: np.maximum(0, 1 - np.abs(x)), 1),
    "-box": (lambda x: ((x > -0.5) & (x <= 0.5)).astype(float), 0.5),
    "-bicubic": (cubic, 2),
    "-lanczos": (lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0), 3),
}


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def perturbed(name: str, image: Image.Image, seed: int = 0) -> NDArray[np.uint8]:
    return np.asarray(parse(name).apply(image, draw_generator(seed, name, "c" * 64)))


def resampling_matrix(old: int, new: int, kernel: Kernel) -> NDArray[np.float64]:
    """Weigh old pixels for each new one: the kernel, widened when shrinking, around its centre."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale
    weights = kernel((np.arange(old) + 0.5 - centres[:, None]) / max(scale, 1))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("factor", [0.5, 0.3, 1.7])
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_are_their_formulae_to_one_level(kernel: str, factor: float) -> None:
    image = noise(40, 30)
    made = perturbed(f"resize{kernel}:{factor}", image).astype(float)
    across = resampling_matrix(40, round(40 * factor), KERNELS[kernel][0])
    down = resampling_matrix(30, round(30 * factor), KERNELS[kernel][0])
    middle = np.clip(np.einsum("xw,hwc->hxc", across, np.asarray(image, float)), 0, 255)
    expected = np.clip(np.einsum("yh,hxc->yxc", down, middle), 0, 255)
    assert np.abs(made - expected).max() <= 1.5  # 8 bits after each of two passes


def test_nearest_takes_the_pixel_under_the_centre() -> None:
    image = noise(40, 30)
    columns, rows = (np.arange(12) * 40 + 20) // 12, (np.arange(9) * 30 + 15) // 9
    assert np.array_equal(perturbed("resize-nearest:0.3", image), np.asarray(image)[rows][:, columns])


@pytest.mark.parametrize("kernel", ["", "-nearest", "-box", "-bicubic", "-lanczos"])
def test_downup_is_smaller_and_back(kernel: str) -> None:
    image = noise(41, 30)
    method = Image.Resampling[(kernel or "-bilinear")[1:].upper()]
    expected = image.resize((10, 8), method).resize((41, 30), method)
    assert np.array_equal(perturbed(f"downup{kernel}:0.25", image), np.asarray(expected))


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((400, 300), 100, (100, 75)),
        ((300, 400), 100, (75, 100)),
        ((500, 3), 100, (100, 1)),
        ((401, 299), 200, (200, 149)),
        ((100, 75), 100, (100, 75)),
    ],
)
def test_fit_bounds_the_longer_side(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    assert parse(f"fit:{longest}").apply(noise(*size), draw_generator(0, "", "")).size == expected


def test_fit_leaves_small_pictures_untouched() -> None:
    image = noise(60, 60)
    assert parse("fit-lanczos:60").apply(image, draw_generator(0, "", "")) is image


@pytest.mark.parametrize("size", [(10, 10), (11, 13), (61, 43), (3, 500)])
@pytest.mark.parametrize("fraction", [0.4, 0.5, 0.6, 0.75])
def test_the_centre_is_torchvisions(size: tuple[int, int], fraction: float) -> None:
    image = noise(*size)
    sides = [max(1, round(side * fraction)) for side in reversed(size)]
    expected = np.asarray(functional.center_crop(image, sides))
    assert np.array_equal(perturbed(f"crop-centre:{fraction}", image), expected)


@pytest.mark.parametrize("size", [(40, 30), (61, 43), (9, 80)])
@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.8])
def test_texture_is_the_greatest_deviation_of_grey(size: tuple[int, int], fraction: float) -> None:
    image = noise(*size, seed=size[0])
    grey = np.asarray(image.convert("L")).astype(float)
    height, width = (round(side * fraction) for side in grey.shape)
    places = [
        (grey[top : top + height, left : left + width].std(), -top, -left)
        for top in {*range(0, grey.shape[0] - height, max(1, height // 4)), grey.shape[0] - height}
        for left in {*range(0, grey.shape[1] - width, max(1, width // 4)), grey.shape[1] - width}
    ]
    _, top, left = max(places)
    expected = np.asarray(image)[-top : -top + height, -left : -left + width]
    assert np.array_equal(perturbed(f"crop-texture:{fraction}", image), expected)


def test_texture_finds_the_noisy_corner_of_a_flat_picture() -> None:
    pixels = np.full((80, 120, 3), 127, np.uint8)
    pixels[60:, 90:] = np.asarray(noise(30, 20))
    assert np.array_equal(perturbed("crop-texture:0.25", Image.fromarray(pixels)), pixels[60:, 90:])


def test_texture_of_a_flat_picture_is_its_first_window() -> None:
    ramp = np.zeros((8, 8, 3), np.uint8)
    ramp[0, 0] = ramp[-1, -1] = 9
    assert perturbed("crop-texture:0.5", Image.fromarray(ramp))[0, 0].tolist() == [9, 9, 9]


@pytest.mark.slow
def test_contrast_of_huge_windows_does_not_overflow() -> None:
    """Windows of 7000×3640 pixels, half of them white: their squares times their number exceed 63 bits."""
    picture = Image.new("RGB", (10_000, 5200))
    picture.paste((255, 255, 255), (0, 0, 3500, 5200))
    assert perturbed("crop-texture:0.7", picture)[0].mean() == pytest.approx(127.5)


def test_shift_cuts_what_it_drew_and_never_a_whole_block() -> None:
    image, seen = noise(40, 30), set()
    for seed in range(200):
        draw = draw_generator(seed, "shift", "c" * 64)
        shifted = parse("shift").apply(image, draw)
        left, top = (int(entry.split("=")[1]) for entry in draw.text.split(" "))
        assert np.array_equal(np.asarray(shifted), np.asarray(image)[top:, left:])
        seen |= {("left", left), ("top", top)}
    assert seen == {(side, number) for side in ("left", "top") for number in range(1, 8)}
