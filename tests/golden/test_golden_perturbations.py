"""Blur and JPEG against the pixels of the published code, bit for bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from formula_images import write_image

from forenbench.images import decode
from forenbench.perturbations import draw_generator, parse

GOLDEN = json.loads(Path(__file__).with_name("perturbations.json").read_text())


@pytest.mark.parametrize("image", GOLDEN)
def test_pixels(image: str, tmp_path: Path) -> None:
    original = decode(write_image(image, tmp_path).read_bytes())
    made = {
        name: parse(name).apply(original, draw_generator(0, name, image)).tobytes() for name in GOLDEN[image]
    }
    assert {name: hashlib.sha256(pixels).hexdigest() for name, pixels in made.items()} == GOLDEN[image]
