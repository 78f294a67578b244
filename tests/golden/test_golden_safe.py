"""SAFE against its official code: formula weights in the published file, formula images."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from functools import partial

import pytest
import pywt
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


@pytest.mark.parametrize(("variant", "image"), CASES)
def test_inputs_and_their_details_are_the_official_ones(variant: str, image: str) -> None:
    golden, batch = GOLDEN["variants"][OFFICIAL[variant]][image], INPUTS[variant](picture(image))[None]
    assert_sample(batch[0], golden["input"], within=1e-7)
    # The details are small beside the norms' biases: a wrong transform shows here first.
    assert_sample(wavelet_diagonal(batch)[0], golden["hh"], within=1e-6)
    assert_sample(right(batch)[0], golden["hh_resized"], within=1e-6)


@torch.no_grad()
@pytest.mark.parametrize(
    ("variant", "image"), [("crop256", "rgb180x200"), ("crop256", "jpeg256"), ("native", "rgb301x257")]
)
def test_the_logits_are_the_official_ones(detectors: dict[str, SAFE], variant: str, image: str) -> None:
    """Of a picture below the crop, of one of its size, and of a whole one of odd sides."""
    golden, detector = GOLDEN["variants"][OFFICIAL[variant]][image], detectors[variant]
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.extend(given))
        for layer in (detector.network.conv1, detector.network.fc1)
    ]
    batch = detector.prepare(picture(image))[None]
    difference = detector.logit(batch)
    for hook in hooks:
        hook.remove()
    details, pool = seen
    assert_sample(details[0], golden["hh_resized"], within=1e-6)
    assert_sample(pool[0], golden["pool512"], within=WITHIN)
    assert detector.network.fc1(pool)[0].tolist() == pytest.approx(golden["logits"], abs=WITHIN, rel=0)
    expected = golden["logits"][1] - golden["logits"][0]
    assert difference.item() == pytest.approx(expected, abs=2 * WITHIN, rel=0)
    assert difference.sigmoid().item() == pytest.approx(golden["softmax1"], abs=WITHIN, rel=0)


@torch.no_grad()
@pytest.mark.parametrize("variant", INPUTS)
def test_in_float64_the_logits_are_the_official_ones(state: dict[str, Tensor], variant: str) -> None:
    exact = ShortResNet(2)
    exact.load_state_dict(state)
    exact.double().eval()
    image = INPUTS[variant](picture("rgb301x257"))[None].double()
    logits = exact(right(image))[0].tolist()
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


def details(image: Image.Image, wavelet: str, band: str = "dd", mode: str = "symmetric") -> Tensor:
    """Let the wavelets' library make a band, scaled back: "a" is an axis's low-pass, "d" its high-pass."""
    seen = cut(image)
    bands = pywt.dwtn(seen.numpy(), wavelet, mode, axes=(2, 3))
    return scaled_back(torch.from_numpy(bands[band]), seen)


def test_the_filters_give_the_details_of_the_wavelets_library() -> None:
    image = picture("rgb301x257")
    torch.testing.assert_close(right(cut(image)), details(image, "bior1.3"), rtol=0, atol=1e-6)


INSTEAD: dict[str, Callable[[Image.Image], Tensor]] = {
    "ImageNet mean/std": lambda image: right(Preprocess(IMAGENET, crop=256)(image)[None]),
    "mode zero": partial(details, wavelet="bior1.3", mode="zero"),
    "mode reflect": partial(details, wavelet="bior1.3", mode="reflect"),
    "mode periodization": partial(details, wavelet="bior1.3", mode="periodization"),
    "haar": partial(details, wavelet="haar"),
    "bior3.1": partial(details, wavelet="bior3.1"),
    "db2": partial(details, wavelet="db2"),
    "band LL": partial(details, wavelet="bior1.3", band="aa"),
    "band LH": partial(details, wavelet="bior1.3", band="da"),
    "band HL": partial(details, wavelet="bior1.3", band="ad"),
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
