"""SAFE against its official code: formula weights in the published file, formula images."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from formula import shapes_of
from golden import AVAILABLE, assert_sample, card, drawn, modern, picture
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from forenbench.detectors._nets.pixel_residuals import ShortResNet, block_residual, wavelet_diagonal
from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors.npr import NPR
from forenbench.detectors.safe import INPUTS, NETWORK, SAFE
from forenbench.weights import Weights, WrongWeights

GOLDEN, KEYS = modern("safe")["golden"], modern("safe")["keys"]
WITHIN = card("safe").within
WRONG = GOLDEN["wrong_variants"]["rgb301x257"]
OFFICIAL = dict(zip(INPUTS, GOLDEN["variants"], strict=True))
"""The golden numbers' names of the inputs: the crop, the code's mode `source`, its mode for a resize."""

CASES = [
    (variant, image)
    for variant, name in OFFICIAL.items()
    for image in GOLDEN["variants"][name]
    if image in AVAILABLE
]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return drawn(shapes_of(ShortResNet(2)), KEYS, GOLDEN["weights_sha256"])


@pytest.fixture(scope="module")
def weights(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A file with all that the official `save_model` writes."""
    path = tmp_path_factory.mktemp("safe") / "checkpoint-best.pth"
    beside = {"optimizer": {"state": {}}, "epoch": "best", "scaler": {}, "args": Namespace(lr=5e-3)}
    torch.save({"model": state, **beside}, path)
    return Weights(paths={"safe": path, "npr": path}, unverified=True)


@pytest.fixture(scope="module")
def detectors(weights: Weights) -> dict[str, SAFE]:
    return {variant: SAFE(variant, weights) for variant in INPUTS}


def scaled_back(details: Tensor, image: Tensor) -> Tensor:
    return interpolate(details, image.shape[2:], mode="bilinear", antialias=True)


@torch.no_grad()
@pytest.mark.parametrize(("variant", "image"), CASES)
def test_the_logits_are_the_official_ones(detectors: dict[str, SAFE], variant: str, image: str) -> None:
    golden, detector = GOLDEN["variants"][OFFICIAL[variant]][image], detectors[variant]
    seen: list[Tensor] = []
    hook = detector.network.conv1.register_forward_pre_hook(lambda _, given: seen.extend(given))
    batch = detector.prepare(picture(image))[None]
    difference = detector.logit(batch).item()
    hook.remove()
    assert_sample(batch[0], golden["input"], within=1e-7)
    # The details are small beside the norms' biases: a wrong transform shows here first.
    assert_sample(wavelet_diagonal(batch)[0], golden["hh"], within=1e-6)
    assert_sample(seen[0][0], golden["hh_resized"], within=1e-6)
    assert_sample(detector.network.features(seen[0])[0], golden["pool512"], within=WITHIN)
    assert detector.network(seen[0])[0].tolist() == pytest.approx(golden["logits"], abs=WITHIN, rel=0)
    assert difference == pytest.approx(golden["logits"][1] - golden["logits"][0], abs=2 * WITHIN, rel=0)
    assert detector.score(batch).item() == pytest.approx(golden["softmax1"], abs=WITHIN, rel=0)


@torch.no_grad()
@pytest.mark.parametrize("variant", INPUTS)
def test_in_float64_the_logits_are_the_official_ones(state: dict[str, Tensor], variant: str) -> None:
    exact = ShortResNet(2)
    exact.load_state_dict(state)
    exact.double().eval()
    image = INPUTS[variant](picture("rgb301x257"))[None].double()
    logits = exact(scaled_back(wavelet_diagonal(image), image))[0].tolist()
    assert logits == pytest.approx(GOLDEN["variants"][OFFICIAL[variant]]["rgb301x257"]["float64"], abs=1e-9)


@pytest.mark.parametrize(("name", "rows", "columns"), [("dwt_small", 8, 8), ("dwt_small_7x5", 7, 5)])
def test_the_filters_without_the_wavelet_package_give_its_details(name: str, rows: int, columns: int) -> None:
    """But for the rounding of its 32 bits; at an odd side a third pixel is mirrored."""
    small = torch.tensor(GOLDEN["dwt_small"]["x"])[:rows, :columns]
    details = wavelet_diagonal(small[None, None])[0, 0]
    torch.testing.assert_close(details, torch.tensor(GOLDEN[name]["hh"]), rtol=0, atol=2e-5)


def cut(image: Image.Image) -> Tensor:
    return INPUTS["crop256"](image)[None]


def right(image: Tensor) -> Tensor:
    return scaled_back(wavelet_diagonal(image), image)


def bordered(image: Tensor, mode: Literal["constant", "reflect"], pixels: int) -> Tensor:
    """Haar's details of a picture with another border, scaled back to its size."""
    sides = ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels))
    padded = torch.from_numpy(np.pad(image.numpy(), sides, mode=mode))
    upper = padded[..., ::2, ::2] - padded[..., ::2, 1::2]
    lower = padded[..., 1::2, ::2] - padded[..., 1::2, 1::2]
    return scaled_back((upper - lower) / 2, image)


INSTEAD: dict[str, Callable[[Image.Image], Tensor]] = {
    "ImageNet mean/std": lambda image: right(Preprocess(IMAGENET, crop=256)(image)[None]),
    "mode zero": lambda image: bordered(cut(image), "constant", 2),
    "mode reflect": lambda image: bordered(cut(image), "reflect", 2),
    "haar": lambda image: bordered(cut(image), "constant", 0),
    "mode periodization": lambda image: bordered(cut(image), "constant", 0),
    "sign of HH flipped": lambda image: -right(cut(image)),
    "no resize back (half size)": lambda image: wavelet_diagonal(cut(image)),
    "nearest resize back": lambda image: interpolate(wavelet_diagonal(cut(image)), (256, 256)),
    "squash 256 instead of crop": lambda image: right(Preprocess(PLAIN, resize=256)(image)[None]),
    "red and blue swapped": lambda image: right(cut(image).flip(1)),
    "NPR residual with 2/3 instead of DWT": lambda image: block_residual(cut(image)) * 2.0 / 3.0,
}


@torch.no_grad()
@pytest.mark.parametrize("what", INSTEAD)
def test_other_details_give_the_other_numbers_that_the_official_network_gives_them(
    detectors: dict[str, SAFE], what: str
) -> None:
    found = detectors["crop256"].network(INSTEAD[what](picture("rgb301x257")))[0].tolist()
    assert found == pytest.approx(WRONG[what], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=10 * WITHIN, rel=0)


def test_the_antialias_of_the_scaling_back_is_no_matter() -> None:
    """Details are scaled up, where it smooths nothing: the official flag is no trap here."""
    image = cut(picture("rgb301x257"))
    plain = interpolate(wavelet_diagonal(image), (256, 256), mode="bilinear")
    torch.testing.assert_close(right(image), plain, rtol=0, atol=1e-6)


def test_the_two_files_of_one_shape_are_told_apart(weights: Weights) -> None:
    known = Weights(paths=weights.paths, unverified=True, known=(NETWORK.checkpoint,))
    with pytest.raises(WrongWeights, match=r"fc1.*weights 'safe'"):
        NPR("squash256", known)
