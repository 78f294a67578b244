"""The radial spectrum against numbers of its authors' code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from formula_images import make_array, write_image
from golden import AVAILABLE, card, picture
from numpy.typing import NDArray
from PIL import Image

from forenbench.detectors._nets.radial_spectrum import FEATURES, grey_levels, radial_profile

NUMBERS: dict[str, Any] = json.loads(Path(__file__).with_name("features.json").read_text())["durall"][
    "images"
]
NAMES = [name for name in NUMBERS if name in AVAILABLE]


def near(value: object) -> object:
    return pytest.approx(value, rel=card("durall").within)


def luma(name: str) -> NDArray[np.uint8]:
    """Read the luma that a JPEG file stores, as OpenCV does."""
    with TemporaryDirectory() as folder, Image.open(write_image(name, Path(folder))) as image:
        image.draft("L", None)
        return np.asarray(image)


def official_grey(name: str) -> NDArray[np.uint8]:
    """Read a picture as the authors' code does, where our RGB pixels are not enough for that."""
    if name == "gray16":
        return (make_array(name) >> 8).astype(np.uint8)
    return luma(name) if name == "jpeg256" else grey_levels(picture(name))


@pytest.mark.parametrize("name", NAMES)
def test_greys_are_those_that_opencv_reads(name: str) -> None:
    grey, golden = official_grey(name), NUMBERS[name]["grey"]
    assert list(grey.shape) == golden["shape"]
    assert int(grey.sum(dtype=np.int64)) == golden["sum"]
    assert {place: int(grey[tuple(map(int, place.split(",")))]) for place in golden["pixels"]} == golden[
        "pixels"
    ]
    assert hashlib.sha256(grey.tobytes()).hexdigest() == golden["sha256"]


def test_where_files_hold_more_than_rgb_pixels_ours_differ() -> None:
    """Pictures reach a detector as 8-bit RGB, after perturbations: without stored luma, without 16 bits."""
    ours, stored = (grey("jpeg256").astype(int) for grey in (lambda name: grey_levels(picture(name)), luma))
    assert (stored - ours).mean() == pytest.approx(0.5, abs=0.05)  # theirs is rounded, ours cut off
    assert np.abs(ours - stored).max() <= 4  # where a colour was clipped
    assert np.array_equal(grey_levels(picture("gray16")), make_array("gray16").clip(max=255))
    assert not np.array_equal(grey_levels(picture("gray16")), official_grey("gray16"))


@pytest.mark.parametrize("name", NAMES)
def test_profiles_are_the_official_ones(name: str) -> None:
    golden, found = NUMBERS[name]["raw"], radial_profile(official_grey(name))
    assert len(found) == golden["length"]
    assert found.sum() == near(golden["sum"])
    assert {place: found[int(place)] for place in golden["at"]} == near(golden["at"])


@pytest.mark.parametrize("name", NAMES)
def test_celebas_80_points_are_the_official_ones(name: str) -> None:
    golden, grey = NUMBERS[name]["n80"], official_grey(name)
    assert radial_profile(grey)[0] == near(golden["first_before_division"])
    assert FEATURES["celeba"].values(grey).tolist() == near(golden["values"])


@pytest.mark.parametrize("name", NAMES)
def test_faceforensics_300_points_of_the_central_third_are_the_official_ones(name: str) -> None:
    golden, grey = NUMBERS[name]["crop300"], official_grey(name)
    top, left = (int(side / 3) for side in grey.shape)
    third = grey[top:-top, left:-left]
    assert list(third.shape) == golden["crop_shape"]
    assert len(radial_profile(third)) == golden["length_before"]
    assert radial_profile(third)[0] == near(golden["first_before_division"])
    found = FEATURES["ffpp"].values(grey)
    assert (len(found), found.sum()) == (300, near(golden["sum"]))
    assert {place: found[int(place)] for place in golden["at"]} == near(golden["at"])


def test_wrong_readings_of_the_method_give_other_numbers() -> None:
    golden = NUMBERS["rgb256a"]["raw"]["at"]
    pillow = radial_profile(np.asarray(picture("rgb256a").convert("L")))
    assert abs(pillow[89] - golden["89"]) > 1e-3
    decibels = radial_profile(official_grey("rgb256a")) / np.log(10)
    assert abs(decibels[89] - golden["89"]) > 10


def test_the_profile_of_1024_pixels_has_the_722_values_that_are_taken_raw() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (1024, 1024), np.uint8)
    assert np.array_equal(FEATURES["faces-hq"].values(grey), radial_profile(grey))


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (10, 10), (500, 3), (29, 31)])
@pytest.mark.parametrize("features", FEATURES)
def test_pictures_of_any_size_have_finite_features(features: str, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
    for pixels in (noise, np.zeros_like(noise)):
        found = FEATURES[features](Image.fromarray(pixels))
        assert found.shape == (FEATURES[features].points,)
        assert found.isfinite().all()
