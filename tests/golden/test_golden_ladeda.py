"""LaDeDa against its official code: formula weights in the published files, formula images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from formula import shapes_of
from golden import assert_sample, card, drawn, modern, picture
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate
from torchvision.transforms.functional import center_crop, normalize

from forenbench.detectors._nets.ladeda_network import LaDeDaNetwork
from forenbench.detectors._nets.pixel_residuals import block_residual
from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors.ladeda import LaDeDa
from forenbench.weights import Weights

GOLDEN, KEYS = modern("ladeda")["golden"], modern("ladeda")["keys"]
WITHIN = card("ladeda").within
WRONG = GOLDEN["wrong_variants"]["rgb301x257"]
CASES = [("wildrf", "rgb301x257"), ("forensynths-unscaled", "rgb180x200")]
"""Shrunk and enlarged; the network sees squares of one size, all of which are compared."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    with torch.device("meta"):
        shapes = shapes_of(LaDeDaNetwork())
    return drawn(shapes, KEYS, GOLDEN["weights_sha256"])


@pytest.fixture(scope="module")
def detectors(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> dict[str, LaDeDa]:
    """All variants, on one network's numbers."""
    path = tmp_path_factory.mktemp("ladeda") / "ladeda.pth"
    torch.save(state, path)
    weights = Weights(paths=dict.fromkeys(("ladeda-forensynths", "ladeda-wildrf"), path), unverified=True)
    return {variant: LaDeDa(variant, weights) for variant in LaDeDa.variants["published"]}


@torch.no_grad()
@pytest.mark.parametrize(("variant", "image"), CASES)
def test_what_each_layer_makes_is_the_official_one(
    detectors: dict[str, LaDeDa], variant: str, image: str
) -> None:
    golden, detector = GOLDEN["images"][image], detectors[variant]
    network, seen = detector.network, dict[str, Tensor]()
    hooks = [
        layer.register_forward_hook(lambda _, given, made, name=name: seen.update({name: made}))
        for name, layer in (("layer1", network.layer1), ("layer4", network.layer4), ("logit", network))
    ]
    batch = detector.prepare(picture(image))[None]
    score = detector.score(batch)
    for hook in hooks:
        hook.remove()
    # The global mean hides where a shortcut was cropped; these do not.
    assert_sample(seen["layer1"][0], golden["layer1"], within=1e-5)
    assert_sample(seen["layer4"][0], golden["layer4"], within=1e-5)
    assert_sample(seen["layer4"][0].mean((1, 2)), golden["pool2048"], within=WITHIN)
    assert seen["logit"].item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert score.item() == pytest.approx(golden["sigmoid"], abs=WITHIN, rel=0)


@pytest.mark.parametrize("image", GOLDEN["images"])
def test_inputs_are_the_official_ones(image: str) -> None:
    golden, batch = GOLDEN["images"][image], squashed(picture(image))
    assert_sample(batch[0], golden["input"], within=1e-6)
    assert_sample(block_residual(batch)[0], golden["npr_without_2_3"], within=1e-6)


@torch.no_grad()
def test_patches_have_the_official_logits_in_double_precision(detectors: dict[str, LaDeDa]) -> None:
    golden, detector = GOLDEN["images"]["jpeg256"], detectors["wildrf"]
    detector.network.double()
    patches = detector.patches(squashed(picture("jpeg256")).double())[0].logit()
    detector.network.float()
    assert_sample(patches, golden["patch_map"], within=1e-5)
    assert patches.max().item() == pytest.approx(golden["patch_map_max"], abs=1e-5)
    # Of float32, but for what the sigmoid and its inverse round.
    assert patches.mean().item() == pytest.approx(golden["float64"], abs=1e-12, rel=0)


def squashed(image: Image.Image) -> Tensor:
    return LaDeDa.prepare(image)[None]


def without_antialias(image: Image.Image) -> Tensor:
    smaller = interpolate(Preprocess(PLAIN)(image)[None], (256, 256), mode="bilinear")
    return normalize(smaller, *IMAGENET)


def gradient(kernel: list[list[int]], image: Image.Image) -> Tensor:
    """Filter each colour, as the official code can; a pass on each of these gave its logits to 2e-6."""
    weights = torch.tensor(kernel, dtype=torch.float32).expand(3, 1, 3, 3)
    return conv2d(squashed(image), weights, groups=3, padding="same")


INPUTS: dict[str, Callable[[Image.Image], Tensor]] = {
    "preprocess raw": squashed,
    "preprocess x_grad": partial(gradient, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "preprocess y_grad": partial(gradient, [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "preprocess left_diag": partial(gradient, [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]),
    "preprocess right_diag": partial(gradient, [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
    "CenterCrop224 after the squash": lambda image: block_residual(center_crop(squashed(image), [224, 224])),
    "red and blue swapped": lambda image: block_residual(squashed(image).flip(1)),
    "no mean/std": lambda image: block_residual(Preprocess(PLAIN, resize=256)(image)[None]),
    "tensor resize without antialias": lambda image: block_residual(without_antialias(image)),
}


@pytest.mark.parametrize("what", INPUTS)
def test_a_wrong_input_is_another_one_and_has_officially_another_logit(what: str) -> None:
    """A pass of the network takes most of a second, and what it makes of the right input is compared."""
    right, wrong = block_residual(squashed(picture("rgb301x257"))), INPUTS[what](picture("rgb301x257"))
    assert wrong.shape != right.shape or (wrong - right).abs().max() > 0.1
    assert WRONG[what] != pytest.approx(WRONG["right"], abs=500 * WITHIN, rel=0)


@torch.no_grad()
def test_only_the_file_trained_on_forensynths_sees_two_thirds(detectors: dict[str, LaDeDa]) -> None:
    """With the official network, whose code has no factor; NPR's, in which that file was trained, has."""
    found = detectors["forensynths"].logit(squashed(picture("rgb301x257"))).item()
    assert found == pytest.approx(WRONG["NPR with the factor 2/3 of NPR"], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=1e-2, rel=0)


@torch.no_grad()
def test_a_shortcut_cropped_at_the_other_side_shows_in_the_maps(state: dict[str, Tensor]) -> None:
    network = LaDeDaNetwork()
    network.load_state_dict(state)
    network.eval()
    for block in (network.layer1[0], network.layer2[0]):
        assert isinstance(block.downsample, nn.Module)
        block.downsample.register_forward_hook(lambda _, given, made: made[..., 1:, 1:])
    maps = network.maps(block_residual(squashed(picture("rgb301x257"))))
    what = "residual cropped at top/left instead of bottom/right"
    assert network.fc(maps.mean((2, 3))).item() == pytest.approx(WRONG[what], abs=WITHIN, rel=0)
    with pytest.raises(AssertionError):
        assert_sample(maps[0], GOLDEN["images"]["rgb301x257"]["layer4"], within=1e-5)
