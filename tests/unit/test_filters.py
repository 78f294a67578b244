"""Sharpening and photon noise by their formulae."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from forenbench.perturbations import draw_generator, parse


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", [(9, 7), (1, 1), (2, 70), (5, 130)])
@pytest.mark.parametrize("amount", ["0.5", "1.5", "3.0"])
def test_sharpening_adds_the_difference_from_the_mean_of_nine(size: tuple[int, int], amount: str) -> None:
    image = noise(*size)
    made = np.asarray(parse(f"sharpen:{amount}").apply(image, draw_generator(0, "", "")))
    padded = np.pad(np.asarray(image).astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    for (y, x, c), value in np.ndenumerate(np.asarray(image).astype(int)):
        mean = Fraction(int(padded[y : y + 3, x : x + 3, c].sum()), 9)
        exact = int(value) + Fraction(amount) * (int(value) - mean)
        assert made[y, x, c] == min(255, max(0, round(exact)))


def test_photons_are_counted_with_poissons_variance() -> None:
    grey, photons = Image.new("RGB", (300, 200), (102, 102, 102)), 50
    noisy = np.asarray(parse(f"poisson:{photons}").apply(grey, draw_generator(0, "poisson:50", "d" * 64)))
    mean = 102 / 255 * photons  # 20 photons
    assert noisy.mean() == pytest.approx(102, abs=4 * 5.1 * np.sqrt(mean / noisy.size))
    assert noisy.std() == pytest.approx(5.1 * np.sqrt(mean), rel=0.02)


def test_photons_have_no_memory_of_strips() -> None:
    image, name = noise(31, 150), "poisson:700"
    made = np.asarray(parse(name).apply(image, draw_generator(0, name, "d" * 64)))
    whole = draw_generator(0, name, "d" * 64).poisson(np.asarray(image) * (700 / 255))
    assert np.array_equal(made, np.clip(np.rint(whole / 700 * 255), 0, 255))


def test_black_stays_black_and_many_photons_change_little() -> None:
    black = Image.new("RGB", (40, 40))
    assert parse("poisson:9").apply(black, draw_generator(0, "", "")).tobytes() == black.tobytes()
    image = noise(40, 40)
    made = np.asarray(parse("poisson:65535").apply(image, draw_generator(0, "", ""))).astype(int)
    assert np.abs(made - np.asarray(image)).max() <= 5  # deviation of white: 1 level
