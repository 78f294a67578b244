"""Gamma and colour jitter by their formulae."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from forenbench.perturbations import draw_generator, parse

LEVELS = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3))


@pytest.mark.parametrize("exponent", [0.1, 0.45, 0.7, 1.0, 2.2, 10.0])
def test_gamma_is_a_power_of_the_fraction_of_white(exponent: float) -> None:
    made = np.asarray(parse(f"gamma:{exponent}").apply(LEVELS, draw_generator(0, "", "")))[0, :, 1]
    assert np.array_equal(made, np.rint(255 * (np.arange(256) / 255) ** exponent))


@pytest.mark.parametrize("seed", range(6))
def test_jitter_is_brightness_then_contrast_then_saturation(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 31, 3), dtype=np.uint8)
    draw = draw_generator(3, "jitter:0.5", "e" * 64)
    made = np.asarray(parse("jitter:0.5").apply(Image.fromarray(pixels), draw))
    names, factors = zip(*(entry.split("=") for entry in draw.text.split(" ")), strict=True)
    assert names == ("brightness", "contrast", "saturation")
    brightness, contrast, saturation = map(float, factors)
    bright = whole(brightness * pixels)
    mean = np.floor(luma(bright).mean() + 0.5)
    contrasted = whole(mean + contrast * (bright - mean))
    grey = luma(contrasted)[..., None]
    assert np.array_equal(made, whole(grey + saturation * (contrasted - grey)))


def test_jitter_draws_its_factors_from_the_whole_range() -> None:
    drawn = []
    for seed in range(300):
        draw = draw_generator(seed, "jitter:0.3", "e" * 64)
        parse("jitter:0.3").apply(LEVELS, draw)
        drawn.append([float(entry.split("=")[1]) for entry in draw.text.split(" ")])
    assert np.min(drawn, axis=0) == pytest.approx([0.7] * 3, abs=0.02)
    assert np.max(drawn, axis=0) == pytest.approx([1.3] * 3, abs=0.02)


def luma(pixels: np.ndarray) -> np.ndarray:
    """Weigh the channels as ITU-R 601-2 does, to 16 bits after the point, rounded."""
    red, green, blue = np.moveaxis(pixels.astype(int), -1, 0)
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16


def whole(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255)
