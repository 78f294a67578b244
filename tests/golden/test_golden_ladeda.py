"""LaDeDa against its official code: formula weights in the published files, formula images."""

from __future__ import annotations

from collections.abc import Callable

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
IMAGES = ("rgb301x257", "rgb180x200")
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
@pytest.mark.parametrize("image", IMAGES)
def test_what_each_layer_makes_is_the_official_one(detectors: dict[str, LaDeDa], image: str) -> None:
    golden, detector = GOLDEN["images"][image], detectors["wildrf"]
    network, seen = detector.network, dict[str, Tensor]()
    hooks = [
        layer.register_forward_hook(lambda _, given, made, name=name: seen.update({name: made}))
        for name, layer in (("layer1", network.layer1), ("layer4", network.layer4))
    ]
    batch = detector.prepare(picture(image))[None]
    logit = detector.logit(batch)
    for hook in hooks:
        hook.remove()
    assert_sample(batch[0], golden["input"], within=1e-6)
    assert_sample(block_residual(batch)[0], golden["npr_without_2_3"], within=1e-6)
    # The global mean hides where a shortcut was cropped; these do not.
    assert_sample(seen["layer1"][0], golden["layer1"], within=1e-5)
    assert_sample(seen["layer4"][0], golden["layer4"], within=1e-5)
    assert_sample(seen["layer4"][0].mean((1, 2)), golden["pool2048"], within=WITHIN)
    assert logit.item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert detector.score(batch).item() == pytest.approx(golden["sigmoid"], abs=WITHIN, rel=0)


@torch.no_grad()
def test_patches_have_the_official_logits(detectors: dict[str, LaDeDa]) -> None:
    golden, detector = GOLDEN["images"]["jpeg256"], detectors["wildrf"]
    patches = detector.patches(detector.prepare(picture("jpeg256"))[None])
    assert_sample(patches[0].logit(), golden["patch_map"], within=1e-5)
    assert patches.logit().max().item() == pytest.approx(golden["patch_map_max"], abs=1e-5)


@torch.no_grad()
def test_in_float64_the_logit_is_the_official_one(state: dict[str, Tensor]) -> None:
    exact = LaDeDaNetwork()
    exact.load_state_dict(state)
    exact.double().eval()
    seen = LaDeDa.prepare(picture("jpeg256"))[None].double()
    expected = GOLDEN["images"]["jpeg256"]["float64"]
    assert exact(block_residual(seen)).item() == pytest.approx(expected, abs=1e-12, rel=0)


def squashed(image: Image.Image) -> Tensor:
    return LaDeDa.prepare(image)[None]


def without_antialias(image: Image.Image) -> Tensor:
    smaller = interpolate(Preprocess(PLAIN)(image)[None], (256, 256), mode="bilinear")
    return normalize(smaller, *IMAGENET)


def diagonal_gradient(image: Image.Image) -> Tensor:
    """What the official code takes by default, for Tiny-LaDeDa."""
    kernel = torch.tensor([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], dtype=torch.float32).expand(3, 1, 3, 3)
    return conv2d(squashed(image), kernel, groups=3, padding="same")


INPUTS: dict[str, Callable[[Image.Image], Tensor]] = {
    "preprocess right_diag": diagonal_gradient,
    "CenterCrop224 after the squash": lambda image: block_residual(center_crop(squashed(image), [224, 224])),
    "red and blue swapped": lambda image: block_residual(squashed(image).flip(1)),
    "tensor resize without antialias": lambda image: block_residual(without_antialias(image)),
}


@torch.no_grad()
@pytest.mark.parametrize("what", INPUTS)
def test_a_wrong_input_gives_the_other_number_that_the_official_network_gives_it(
    detectors: dict[str, LaDeDa], what: str
) -> None:
    found = detectors["wildrf"].network(INPUTS[what](picture("rgb301x257"))).item()
    assert found == pytest.approx(WRONG[what], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=1e-3, rel=0)


@torch.no_grad()
def test_only_the_file_trained_on_forensynths_sees_two_thirds(detectors: dict[str, LaDeDa]) -> None:
    """With the official network, whose code has no factor; NPR's, in which that file was trained, has."""
    batch = squashed(picture("rgb301x257"))
    expected = {"forensynths": "NPR with the factor 2/3 of NPR", "forensynths-unscaled": "right"}
    for variant, what in expected.items():
        assert detectors[variant].logit(batch).item() == pytest.approx(WRONG[what], abs=WITHIN, rel=0)


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
