"""Blur and JPEG against the pixels of the published code, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from golden import EXAMPLES, needs_shared, picture, same_pixels

from forenbench.perturbations import draw_generator, parse

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("perturbations.json").read_text())
NAMES = {
    **{f"blur_sigma_{sigma}": f"blur:{sigma}" for sigma in ("0.5", "1", "1.5", "2", "3")},
    **{f"jpeg_pil_{q}": f"jpeg:{q}" for q in (30, 65, 90)},
    **{f"jpeg_cv2_{q}": f"jpeg-cv2:{q}" for q in (30, 65, 90)},
    "blur_1.5_then_jpeg_pil_65": "blur:1.5+jpeg:65",
}
PICTURES = [pytest.param(name, marks=needs_shared) if name in EXAMPLES else name for name in GOLDEN["images"]]


@pytest.mark.parametrize("image", PICTURES)
def test_pixels(image: str) -> None:
    golden = GOLDEN["images"][image]
    assert golden.keys() == NAMES.keys()
    for theirs, text in NAMES.items():
        perturbation = parse(text)
        made = perturbation.apply(picture(image), draw_generator(0, perturbation.name, image))
        assert same_pixels(made, golden[theirs]), theirs


@pytest.mark.parametrize("image", GOLDEN["images"])
def test_pillow_and_opencv_compressed_alike_so_that_one_jpeg_stands_for_both(image: str) -> None:
    golden = GOLDEN["images"][image]
    alike = [q for q in (30, 65, 90) if golden[f"jpeg_pil_{q}"] == golden[f"jpeg_cv2_{q}"]]
    assert alike == GOLDEN["identical_pil_and_cv2_qualities"][image]
