"""Decoded pixels against those that the published loaders get from the formula images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from formula_images import IMAGES, make_array, write_image

from forenbench.images import decode, header

GOLDEN = json.loads(Path(__file__).with_name("images.json").read_text())


def test_every_formula_image_has_golden_numbers() -> None:
    assert list(GOLDEN) == list(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_formula_gives_the_stored_samples(name: str) -> None:
    assert hashlib.sha256(make_array(name).tobytes()).hexdigest() == GOLDEN[name]["stored_samples"]


@pytest.mark.parametrize("name", IMAGES)
def test_decode_gives_the_published_pixels(name: str, tmp_path: Path) -> None:
    data = write_image(name, tmp_path).read_bytes()
    pixels = np.asarray(decode(data))
    assert header(data).mode == GOLDEN[name]["pillow_mode"]
    assert pixels.sum(axis=(0, 1)).tolist() == GOLDEN[name]["channel_sums"]
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == GOLDEN[name]["rgb"]
