"""Mistakes of other implementations, in pixels and scores, which golden numbers must tell from ours."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from formula_images import IMAGES
from golden import FOLDER, NUMBERS, picture, same_pixels
from PIL import Image
from scipy.ndimage import gaussian_filter
from torchvision.transforms import functional

from forenbench.detectors._nets.encoders import BACKBONES
from forenbench.detectors._nets.pixels import IMAGENET, Preprocess
from forenbench.perturbations import draw_generator, parse

CLIP = BACKBONES["clip-vit-l14"].prepare
UNIVFD, CNNDETECTION = NUMBERS["univfd"], NUMBERS["cnndetection"]
BLURRED: dict[str, Any] = json.loads((FOLDER / "perturbations.json").read_text())["images"]
OTHER_SIZES = [name for name, one in IMAGES.items() if min(one.height, one.width) != 256]


@pytest.mark.parametrize("name", IMAGES)
def test_resizing_before_the_crop_gives_other_pixels(name: str) -> None:
    """UnivFD's first release did, and CNNDetection's `validate.py`; pictures with a side of 256 hide it."""
    resized = functional.center_crop(functional.resize(picture(name), 256), [224, 224])
    assert same_pixels(CLIP.pixels(picture(name)), UNIVFD[name]["uint8"])
    assert same_pixels(resized, UNIVFD[name]["uint8"]) == (name not in OTHER_SIZES)


@pytest.mark.parametrize("name", IMAGES)
def test_squashing_in_place_of_the_crop_gives_other_pixels(name: str) -> None:
    squashed = functional.resize(picture(name), [224, 224])
    assert same_pixels(squashed, UNIVFD[name]["uint8"]) == (name == "rgb224")


@pytest.mark.parametrize("name", IMAGES)
def test_the_statistics_are_those_of_the_backbone(name: str) -> None:
    """One crop, two inputs: CLIP's statistics for CLIP, ImageNet's for CNNDetection and the like."""
    clip, imagenet = UNIVFD[name], CNNDETECTION[name]["crop224"]
    assert clip["uint8"] == imagenet["uint8"]
    ours = CLIP(picture(name)).double().mean((1, 2)).tolist()
    assert ours == pytest.approx(clip["input"]["channel_means"], abs=1e-6)
    assert ours != pytest.approx(imagenet["input"]["channel_means"], abs=1e-2)


@pytest.mark.parametrize("name", IMAGES)
def test_the_whole_picture_is_another_protocol_than_the_crop(name: str) -> None:
    """DetectZoo's CNNDetection follows the demo; the paper's tables follow the crop."""
    golden, alike = CNNDETECTION[name], name == "rgb224"
    whole, crop = Preprocess(IMAGENET), Preprocess(IMAGENET, crop=224)
    assert same_pixels(crop.pixels(picture(name)), golden["crop224"]["uint8"])
    assert same_pixels(whole.pixels(picture(name)), golden["full"]["uint8"])
    assert same_pixels(whole.pixels(picture(name)), golden["crop224"]["uint8"]) == alike
    assert (golden["crop224"]["logit"] == golden["full"]["logit"]) == alike


@pytest.mark.parametrize("name", ["rgb256a", "rgb301x257"])
@pytest.mark.parametrize("sigma", ["0.5", "1", "3"])
def test_rounding_the_blur_gives_other_pixels(name: str, sigma: str) -> None:
    """The published one is cut to whole levels after each axis; that darkens by about one level."""
    golden = BLURRED[name][f"blur_sigma_{sigma}"]
    pixels = np.asarray(picture(name)).astype(float)
    exact = np.stack([gaussian_filter(pixels[..., c], float(sigma)) for c in range(3)], axis=-1)
    rounded = Image.fromarray(np.rint(exact).clip(0, 255).astype(np.uint8))
    perturbation = parse(f"blur:{sigma}")
    ours = perturbation.apply(picture(name), draw_generator(0, perturbation.name, name))
    assert same_pixels(ours, golden)
    assert not same_pixels(rounded, golden)
    darker = np.asarray(rounded).astype(int) - np.asarray(ours)
    assert 0.4 < darker.mean() < 1.1


def test_the_score_is_a_float32_sigmoid() -> None:
    """A double one would not saturate, and so make no ties (`metrics.json` has what these cost)."""
    logits = torch.tensor([16.0, 17.0, 18.0])
    assert logits.sigmoid()[1:].tolist() == [1.0, 1.0]
    assert logits.double().sigmoid()[1:].max() < 1
