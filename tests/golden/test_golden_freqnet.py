"""FreqNet against its official code: formula weights in the published file, formula images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from formula import freqnet_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import center_crop

from forenbench.detectors._nets import frequency_network
from forenbench.detectors._nets.frequency_network import FrequencyNetwork, high_pass
from forenbench.detectors._nets.pixel_residuals import block_residual
from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors.freqnet import INPUTS, FreqNet
from forenbench.weights import Weights

GOLDEN, KEYS = modern("freqnet")["golden"], modern("freqnet")["keys"]
WITHIN = card("freqnet").within
WRONG = GOLDEN["wrong_variants"]["rgb301x257"]
CASES = [("squash256", "rgb301x257"), ("native", "rgb180x200")]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    shapes = shapes_of(FrequencyNetwork())
    assert keys_sha256(shapes) == KEYS
    weights = freqnet_weights(shapes)
    assert sha256_of_weights(weights) == GOLDEN["weights_sha256"]
    return weights


@pytest.fixture(scope="module")
def detectors(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> dict[str, FreqNet]:
    path = tmp_path_factory.mktemp("freqnet") / "4-classes-freqnet-v2.pth"
    torch.save(state, path)
    weights = Weights(paths={"freqnet": path}, unverified=True)
    return {variant: FreqNet(variant, weights) for variant in INPUTS}


@torch.no_grad()
@pytest.mark.parametrize(("variant", "image"), CASES)
def test_what_each_stage_makes_is_the_official_one(
    detectors: dict[str, FreqNet], variant: str, image: str
) -> None:
    golden, detector = GOLDEN["variants"][variant][image], detectors[variant]
    network, seen = detector.network, dict[str, Tensor]()
    hooks = [
        network.maxpool.register_forward_pre_hook(lambda _, given: seen.update(before_maxpool=given[0])),
        network.layer1.register_forward_hook(lambda _, given, made: seen.update(layer1=made)),
        network.layer2.register_forward_pre_hook(lambda _, given: seen.update(before_layer2=given[0])),
        network.fc1.register_forward_pre_hook(lambda _, given: seen.update(pool512=given[0])),
    ]
    logit = detector.logit(detector.prepare(picture(image))[None])
    for hook in hooks:
        hook.remove()
    for stage, maps in seen.items():
        assert_sample(maps[0], golden[stage], within=1e-4)
    assert logit.item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert logit.sigmoid().item() == pytest.approx(golden["sigmoid"], abs=WITHIN, rel=0)


@pytest.mark.parametrize(
    ("variant", "image"), [(variant, image) for variant in INPUTS for image in GOLDEN["variants"][variant]]
)
def test_inputs_and_their_high_frequencies_are_the_official_ones(variant: str, image: str) -> None:
    golden, batch = GOLDEN["variants"][variant][image], INPUTS[variant](picture(image))[None]
    assert_sample(batch[0], golden["input"], within=1e-6)
    assert_sample(high_pass(batch, (2, 3))[0], golden["hfri"], within=1e-5)


@torch.no_grad()
def test_in_float64_the_logit_is_the_official_one(state: dict[str, Tensor]) -> None:
    """Of a picture of odd sides, where a shift and its inverse differ."""
    exact = FrequencyNetwork()
    exact.load_state_dict(state)
    exact.double().eval()
    logit = exact(INPUTS["native"](picture("rgb301x257"))[None].double()).item()
    assert logit == pytest.approx(GOLDEN["variants"]["native"]["rgb301x257"]["float64"], abs=1e-9)


def squashed(image: Image.Image) -> Tensor:
    return INPUTS["squash256"](image)[None]


INSTEAD: dict[str, Callable[[Image.Image], Tensor]] = {
    "CenterCrop224 of the squashed picture": lambda image: center_crop(squashed(image), [224, 224]),
    "native CenterCrop224": lambda image: Preprocess(IMAGENET, crop=224)(image)[None],
    "no mean/std": lambda image: Preprocess(PLAIN, resize=256)(image)[None],
    "red and blue swapped": lambda image: squashed(image).flip(1),
    "NPR-style 2/3 residual fed": lambda image: block_residual(squashed(image)) * 2.0 / 3.0,
}


@pytest.mark.parametrize("what", INSTEAD)
def test_a_wrong_input_is_another_one_and_has_officially_another_logit(what: str) -> None:
    right, wrong = (prepare(picture("rgb301x257")) for prepare in (squashed, INSTEAD[what]))
    assert wrong.shape != right.shape or (wrong - right).abs().max() > 0.1
    assert WRONG[what] != pytest.approx(WRONG["right"], abs=50 * WITHIN, rel=0)


def assert_wrong(found: float, what: str) -> None:
    assert found == pytest.approx(WRONG[what], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=10 * WITHIN, rel=0)


def filtered(maps: Tensor, dims: tuple[int, ...], share: int) -> Tensor:
    """Keep high frequencies, without a ReLU: the block of zeros has two of so many shares of each side."""
    spectrum = torch.fft.fftshift(torch.fft.fftn(maps, dim=dims, norm="ortho"), dim=dims)
    block = [slice(None)] * maps.ndim
    for dim in dims:
        side = maps.shape[dim]
        block[dim] = slice(side // 2 - side // share, side // 2 + side // share)
    spectrum[tuple(block)] = 0
    return torch.fft.ifftn(torch.fft.ifftshift(spectrum, dim=dims), dim=dims, norm="ortho").real


FILTERS: dict[str, Callable[[Tensor, tuple[int, ...]], Tensor]] = {
    "no ReLU after the spatial high-pass": lambda maps, dims: (
        high_pass(maps, dims) if dims == (1,) else filtered(maps, dims, 4)
    ),
    "spatial high-pass with half the block (scale 8)": lambda maps, dims: (
        high_pass(maps, dims) if dims == (1,) else filtered(maps, dims, 8).relu()
    ),
    "channel high-pass left out": lambda maps, dims: maps if dims == (1,) else high_pass(maps, dims),
}


@torch.no_grad()
@pytest.mark.parametrize("what", FILTERS)
def test_another_filter_gives_the_other_number_that_it_gives_the_official_network(
    detectors: dict[str, FreqNet], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequency_network, "high_pass", FILTERS[what])
    assert_wrong(detectors["squash256"].network(squashed(picture("rgb301x257"))).item(), what)


@torch.no_grad()
def test_the_two_parts_of_a_spectrum_have_weights_of_their_own(state: dict[str, Tensor]) -> None:
    network = FrequencyNetwork()
    network.load_state_dict({**state, "imagconv1.weight": state["realconv1.weight"]})
    found = network.eval()(squashed(picture("rgb301x257"))).item()
    assert_wrong(found, "first FCL: real weights used for both parts")
