"""Decoded pixels against those that the published loaders get from the formula images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formula_images import IMAGES, make_array, write_image
from golden import EXAMPLES, SHARED, needs_shared

from forenbench.images import decode, header

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("images.json").read_text())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def assert_published_pixels(data: bytes, golden: dict[str, Any]) -> None:
    pixels, after = np.asarray(decode(data)), golden["after_convert_rgb"]
    assert header(data).mode == golden["pillow_mode_on_open"]
    assert pixels.shape[:2] == (golden["height"], golden["width"])
    assert list(pixels.shape) == after["shape"]
    assert pixels[0, 0].tolist() == after["pixel_0_0"]
    assert pixels[100, 37].tolist() == after["pixel_100_37"]
    assert pixels.sum(axis=(0, 1)).tolist() == after["channel_sums"]
    assert sha256(pixels.tobytes()) == after["sha256"]


def test_every_picture_has_golden_numbers() -> None:
    assert list(GOLDEN) == [*IMAGES, *EXAMPLES]


@pytest.mark.parametrize("name", IMAGES)
def test_formula_gives_the_stored_samples(name: str) -> None:
    samples, golden = make_array(name), GOLDEN[name]["stored_samples"]
    assert (str(samples.dtype), list(samples.shape)) == (golden["dtype"], golden["shape"])
    assert sha256(samples.tobytes()) == golden["sha256"]
    formula = IMAGES[name]._asdict()
    fields = {"height": "height", "width": "width", "cell": "grid_cell", "noise": "noise_std", "kind": "kind"}
    assert {ours: GOLDEN[name][theirs] for ours, theirs in fields.items()} == formula


@pytest.mark.parametrize("name", IMAGES)
def test_decode_gives_the_published_pixels(name: str, tmp_path: Path) -> None:
    path = write_image(name, tmp_path)
    assert path.name == GOLDEN[name]["file"]
    assert_published_pixels(path.read_bytes(), GOLDEN[name])


@needs_shared
@pytest.mark.parametrize("name", [*EXAMPLES, "jpeg256"])
def test_files_that_no_formula_makes_give_the_published_pixels(name: str) -> None:
    data = (SHARED / "images" / GOLDEN[name]["file"]).read_bytes()
    assert sha256(data) == GOLDEN[name]["file_sha256"]
    assert_published_pixels(data, GOLDEN[name])


def test_deep_grey_is_clipped_and_not_scaled(tmp_path: Path) -> None:
    samples, golden = make_array("gray16"), GOLDEN["gray16"]["convert_rgb_check"]
    pixels = np.asarray(decode(write_image("gray16", tmp_path).read_bytes()))[..., 0]
    assert (pixels.min(), pixels.max()) == (golden["min"], golden["max"])
    assert (pixels == 255).mean() == golden["fraction_equal_to_255"]
    assert np.array_equal(pixels, samples.clip(max=255)) == golden["equals_clip_at_255"]
    assert np.array_equal(pixels, samples >> 8) == golden["equals_high_byte"]
