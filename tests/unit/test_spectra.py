"""Spectra show planted patterns at their frequencies, with the height that a formula gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forenbench.data.catalogue import open_dataset
from forenbench.errors import BenchError
from forenbench.pictures.spectra import Group, average, by_label, log_spectrum, spectrum_picture, unlabelled
from forenbench.testing import MemorySource, write_tiny_dataset
from forenbench.types import Sample, TestSet

SIDE, STEP, HEIGHT, GROUND = 64, 8, 90, 100
FLOOR = np.log(1e-6)


def comb(step: int = STEP, height: int = HEIGHT, shift: int = 0) -> Image.Image:
    """One brighter pixel in each square of `step`: the 5×5 median, never reached by it, is the ground."""
    pixels = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    pixels[shift::step, shift::step] += height
    return Image.fromarray(pixels)


def peaks(step: int) -> np.ndarray:
    """Where the spectrum of a comb is not zero: each multiple of 1 / step cycles a pixel, both ways."""
    grid = np.zeros((SIDE, SIDE), bool)
    grid[:: SIDE // step, :: SIDE // step] = True  # SIDE / 2, the middle, is such a multiple
    return grid


@pytest.mark.parametrize("step", [8, 16])
def test_a_comb_has_peaks_at_the_multiples_of_its_frequency(step: int) -> None:
    """(SIDE / step)² pulses in phase, over SIDE for an orthonormal transform."""
    expected = np.where(peaks(step), np.log(HEIGHT * (SIDE / step) ** 2 / SIDE + 1e-6), FLOOR)
    np.testing.assert_allclose(log_spectrum(comb(step), SIDE), expected, atol=1e-4)


def test_an_even_image_has_nothing() -> None:
    np.testing.assert_allclose(log_spectrum(Image.new("RGB", (SIDE, SIDE), (9, 9, 9)), SIDE), FLOOR)


def test_only_the_middle_counts() -> None:
    wide = Image.new("RGB", (SIDE + 20, SIDE + 6), (255, 0, 0))
    wide.paste(comb(), (10, 3))
    assert np.array_equal(log_spectrum(wide, SIDE), log_spectrum(comb(), SIDE))


def test_the_average_is_of_logarithms_whatever_the_phase() -> None:
    images = [comb(), comb(shift=3), Image.new("RGB", (SIDE, SIDE))]
    spectrum = average(Group("combs", MemorySource(images), ("0", "1", "2")), SIDE)
    high = np.log(HEIGHT * (SIDE / STEP) ** 2 / SIDE + 1e-6)
    expected = np.where(peaks(STEP), (2 * high + FLOOR) / 3, FLOOR)
    np.testing.assert_allclose(spectrum.values, expected, atol=1e-4)
    assert (spectrum.images, spectrum.left_out) == (3, [])


def test_images_left_out_are_named(tmp_path: Path) -> None:
    comb().save(tmp_path / "a.png")
    comb().crop((0, 0, 50, 64)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"<html>")
    group = unlabelled(tmp_path, limit=9)
    assert group is not None
    spectrum = average(group, SIDE)
    assert spectrum.images == 1
    small, broken = spectrum.left_out
    assert small == "b.png: 50×64 is smaller than 64×64"
    assert broken.startswith("c.png: not an image: looks like an HTML page")
    with pytest.raises(BenchError, match=r"of 3 images none can be used.*a smaller side"):
        average(group, 65)


def test_a_folder_with_labels_is_no_single_group(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny")
    assert unlabelled(tmp_path / "tiny", 9) is None
    (dataset,) = open_dataset(str(tmp_path / "tiny"), data_root=tmp_path)
    names = [group.name for group in by_label(dataset.testsets)]
    assert names == ["alpha, real", "alpha, fake", "beta, real", "beta, fake"]


def test_shared_reals_come_once() -> None:
    real = Sample("r", 0)
    testsets = [TestSet("d", name, (real, Sample(name, 1)), MemorySource([]), "") for name in "ab"]
    assert [group.name for group in by_label(testsets)] == ["a, real", "a, fake", "b, fake"]


def test_the_picture_of_one_image_has_its_peaks_in_white() -> None:
    picture = np.asarray(spectrum_picture(comb()))[..., 0]
    assert np.array_equal(picture == 255, peaks(STEP))
    assert picture[~peaks(STEP)].max() == 0
