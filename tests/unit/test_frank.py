"""Frank et al.'s perturbations, which LGrad's Table 4 follows: how often, how strong, and what they keep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from forenbench.draws import Draw
from forenbench.images import recompress
from forenbench.perturbations import draw_generator, frank, parse


def prepared(*numbers: float) -> Draw:
    """Draw prepared numbers."""
    return Draw(Numbers(*numbers))  # type: ignore[arg-type]


class Numbers:
    """A random generator that gives prepared numbers."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = list(numbers)

    def random(self) -> float:
        return self._numbers.pop(0)

    def uniform(self, low: float, high: float) -> float:
        number = self._numbers.pop(0)
        assert low <= number <= high
        return number

    def integers(self, low: int, high: int | None = None) -> int:
        number = int(self._numbers.pop(0))
        assert (0 if high is None else low) <= number < (low if high is None else high)
        return number

    def standard_normal(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        return np.full(shape, self._numbers[0])


def picture(width: int = 60, height: int = 40) -> Image.Image:
    coarse = np.random.RandomState(5).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("name", ["frank-blur", "frank-crop", "frank-jpeg", "frank-noise", "frank-combined"])
def test_about_every_second_image_changes_and_keeps_its_size(name: str) -> None:
    image = picture(47, 63)
    results = [parse(name).apply(image, draw_generator(0, name, f"{i:064x}")) for i in range(200)]
    assert {result.size for result in results} == {(47, 63)}
    changed = sum(result.tobytes() != image.tobytes() for result in results)
    assert 72 <= changed <= 128  # 100 expected, four standard deviations


def test_noise_is_cut_off_to_whole_levels_not_rounded() -> None:
    grey = Image.new("RGB", (3, 2), (100, 0, 250))
    noisy = np.asarray(frank.noise(grey, prepared(10, 0.79)))
    assert noisy[0, 0].tolist() == [107, 7, 255]  # 100 + 7.9, 0 + 7.9, 250 + 7.9


def test_blur_is_the_mean_under_a_cut_gaussian() -> None:
    image = picture()
    blurred = np.asarray(frank.blur(image, prepared(1)), float)
    side = np.exp(-1 / 32)  # deviation 4, one pixel away
    weights = np.array([side, 1, side]) / (1 + 2 * side)
    around = np.asarray(image, float)[9:12, 19:22]
    expected = np.einsum("i,j,ijc->c", weights, weights, around)
    assert blurred[10, 20] == pytest.approx(expected, abs=0.51)


def test_blur_mirrors_at_the_border_without_repeating_it() -> None:
    row = Image.fromarray(np.array([[10, 200, 30]], np.uint8)).convert("RGB")
    blurred = np.asarray(frank.blur(row, prepared(1)))
    side = np.exp(-1 / 32)
    assert blurred[0, 0, 0] == round((10 + 2 * side * 200) / (1 + 2 * side))


def test_jpeg_uses_the_drawn_quality() -> None:
    image = picture()
    for quality in (10, 75):
        drawn = frank.jpeg(image, prepared(quality))
        assert drawn.tobytes() == recompress(image, "JPEG", quality).tobytes()


def test_crop_cuts_half_of_the_share_off_each_end() -> None:
    image = Image.new("RGB", (100, 50))
    image.paste((255, 255, 255), (10, 5, 90, 45))  # exactly what 20 % leaves
    assert np.asarray(frank.crop(image, prepared(0.2))).min() == 255


@pytest.mark.parametrize(
    ("choice", "change"), list(enumerate([frank.noise, frank.blur, frank.jpeg, frank.crop]))
)
def test_combined_does_one_of_the_four(choice: int, change: Callable[..., Image.Image]) -> None:
    image, numbers = picture(), (choice, 12 if change is frank.jpeg else 2, 0.5)
    if change in (frank.noise, frank.crop):
        numbers = (choice, 8 if change is frank.noise else 0.1, 0.5)
    one = change(image, prepared(*numbers[1:]))
    assert frank.combined(image, prepared(*numbers)).tobytes() == one.tobytes()


def test_what_was_drawn_is_kept() -> None:
    draw = prepared(0.49, 2, 33)
    frank.every_second(picture(), draw, frank.combined)
    assert draw.text == "changed=yes change=jpeg quality=33"
    draw = prepared(0.5)
    frank.every_second(picture(), draw, frank.combined)
    assert draw.text == "changed=no"
