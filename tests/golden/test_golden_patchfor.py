"""Patch forensics against its official code: formula weights, formula images."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import AVAILABLE, card, keys_sha256, picture
from torch import Tensor, nn

from forenbench.detectors._nets.patch_networks import (
    FAKE_CLASS,
    after_softmax,
    before_softmax,
    patch_network,
    patch_probabilities,
    preparation,
    side,
    vote,
)
from forenbench.detectors._nets.pixels import SYMMETRIC, Preprocess

NUMBERS: dict[str, Any] = json.loads(Path(__file__).with_name("baselines.json").read_text())
NAMES = ("xception-block1", "xception-block2", "resnet18-layer1", "resnet50-layer1")
REAL_CLASS = 1 - FAKE_CLASS
pytestmark = pytest.mark.slow


def numbers(name: str) -> dict[str, Any]:
    found: dict[str, Any] = NUMBERS[f"patch_{name.replace('-', '_')}"]
    return found


@cache
def filled(name: str) -> nn.Module:
    """Fill a network by formula; its entries are the official ones in their order."""
    network = patch_network(name)
    shapes, golden = shapes_of(network), numbers(name)
    assert keys_sha256(shapes) == golden["keys"]
    assert sum(one.numel() for one in network.parameters()) == golden["parameters"]
    weights = he_weights(shapes)
    assert sha256_of_weights(weights) == golden["weights_sha256"]
    network.load_state_dict(weights)
    return network.eval()


@cache
@torch.no_grad()
def logits_of(name: str, image: str) -> Tensor:
    found: Tensor = filled(name)(preparation(side(name))(picture(image))[None])
    return found


CASES = [(name, image) for name in NAMES for image in numbers(name)["images"] if image in AVAILABLE]
FEW = [(name, image) for name, image in CASES if image in ("rgb256a", "rgb384x512")]
"""For the networks, which see squares of one size, all of which are compared."""


def near(value: object) -> object:
    """Allow what other kernels may make of sums in float32."""
    within = card("patchfor").within
    return pytest.approx(value, rel=within, abs=within)


@pytest.mark.parametrize(("name", "image"), CASES)
def test_pictures_are_prepared_as_the_official_code_does(name: str, image: str) -> None:
    golden = numbers(name)["images"][image]["input"]
    seen = preparation(side(name))(picture(image))
    assert side(name) == numbers(name)["size"]
    assert seen.double().sum().item() == pytest.approx(golden["sum"], abs=1e-6 * seen.numel())
    for place, value in golden["at"].items():
        assert seen[tuple(map(int, place.split(",")))].item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("name", "image"), FEW)
def test_patches_have_the_official_logits(name: str, image: str) -> None:
    golden, found = numbers(name)["images"][image], logits_of(name, image)
    assert list(found.shape) == golden["shape"]
    for place, value in golden["logits"].items():
        assert found[(0, *map(int, place.split(",")))].item() == near(value)
    assert found.double().mean((0, 2, 3)).tolist() == near(golden["logit_means"])


@pytest.mark.parametrize(("name", "image"), FEW)
def test_patches_make_the_three_official_scores(name: str, image: str) -> None:
    golden, found = numbers(name)["images"][image], logits_of(name, image)
    assert after_softmax(found).item() == near(golden["after_softmax"][FAKE_CLASS])
    assert after_softmax(found).item() == near(1 - golden["after_softmax"][REAL_CLASS])
    assert before_softmax(found).item() == near(golden["before_softmax"][FAKE_CLASS])
    # The official share is of patches called real; one patch in doubt may fall to either side.
    patches = found[0, 0].numel()
    assert vote(found).item() == pytest.approx(1 - golden["vote"], abs=1.5 / patches)
    assert patch_probabilities(found).mean().item() == pytest.approx(after_softmax(found).item(), abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_in_float64_the_score_is_the_official_one(name: str) -> None:
    network, image = filled(name), "rgb256a"
    found = network.double()(preparation(side(name))(picture(image))[None].double())
    network.float()
    expected = numbers(name)["images"][image]["float64_after_softmax"]
    assert after_softmax(found).item() == pytest.approx(expected[FAKE_CLASS], rel=1e-9)
    assert 1 - after_softmax(found).item() == pytest.approx(expected[REAL_CLASS], rel=1e-9)


@pytest.mark.parametrize(("name", "image"), FEW)
def test_the_three_scores_are_different_numbers(name: str, image: str) -> None:
    """What would go unnoticed if one stood for another, or real for generated."""
    golden, found = numbers(name)["images"][image], logits_of(name, image)
    score = golden["after_softmax"][FAKE_CLASS]
    assert before_softmax(found).item() != pytest.approx(score, abs=2e-3)
    assert vote(found).item() != pytest.approx(score, abs=2e-3)
    assert after_softmax(found.flip(1)).item() != pytest.approx(score, abs=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"resample": "bilinear"},
        {"resample": "bicubic"},
        {"squash": True},
        {"resize": 256},
    ],
    ids=str,
)
def test_a_wrong_preparation_makes_other_pictures(wrong: dict[str, Any]) -> None:
    golden = numbers("resnet50-layer1")["images"]["rgb384x512"]["input"]
    right: dict[str, Any] = {"resize": 224, "crop": 224, "resample": "lanczos", "squash": False}
    seen = Preprocess(SYMMETRIC, **{**right, **wrong})(picture("rgb384x512"))
    assert seen.double().sum().item() != pytest.approx(golden["sum"], abs=1e-6 * seen.numel())
