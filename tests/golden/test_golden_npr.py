"""NPR against its official code: formula weights in the published files, formula images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from formula import shapes_of
from golden import AVAILABLE, assert_sample, card, drawn, modern, picture
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad
from torchvision.transforms.functional import normalize

from forenbench.detectors._nets.pixel_residuals import ShortResNet, block_residual
from forenbench.detectors._nets.pixels import AIGCDETECT, IMAGENET, PLAIN, Preprocess
from forenbench.detectors.npr import INPUTS, NPR
from forenbench.detectors.tiny_ladeda import CHECKPOINT as TINY
from forenbench.weights import Weights, WrongWeights

GOLDEN, KEYS = modern("npr")["golden"], modern("npr")["keys"]
WITHIN = card("npr").within
OFFICIAL = {"squash256": "squash256", "native": "native_trim", "tile224": "tile_cc224"}
"""The golden numbers' names of the inputs."""

CASES = [
    (variant, image)
    for variant, name in OFFICIAL.items()
    for image in GOLDEN["variants"][name]
    if image in AVAILABLE
]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return drawn(shapes_of(ShortResNet(1)), KEYS, GOLDEN["weights_sha256"])


@pytest.fixture(scope="module")
def detectors(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> dict[str, NPR]:
    """All variants, on one network's numbers in both published formats."""
    folder = tmp_path_factory.mktemp("npr")
    training = {"model": {f"module.{key}": value for key, value in state.items()}, "optimizer": {}}
    torch.save({**training, "total_steps": 9}, folder / "NPR.pth")
    torch.save(state, folder / "bare.pth")
    paths = {"npr": folder / "NPR.pth", "npr-3090": folder / "bare.pth", "npr-sdv4": folder / "bare.pth"}
    weights = Weights(paths=paths, unverified=True)
    return {variant: NPR(variant, weights) for variant in NPR.variants["published"]}


@pytest.mark.parametrize(("variant", "image"), CASES)
def test_inputs_and_their_residuals_are_the_official_ones(variant: str, image: str) -> None:
    golden, batch = GOLDEN["variants"][OFFICIAL[variant]][image], INPUTS[variant](picture(image))[None]
    height, width = golden["input"]["shape"][1:]
    assert batch.shape[2] - height in (0, 1)  # trimmed from whole pictures alone
    trimmed = batch[..., :height, :width]
    assert_sample(trimmed[0], golden["input"], within=1e-6)
    assert_sample(residual(trimmed)[0], golden["npr_times_2_3"], within=2e-6)


@torch.no_grad()
@pytest.mark.parametrize("variant", NPR.variants["published"])
def test_the_logits_are_the_official_ones(detectors: dict[str, NPR], variant: str) -> None:
    """Of a picture that is enlarged, tiled, or cut; whatever the format of the file."""
    image = "rgb301x257" if variant.startswith("native") else "rgb180x200"
    golden, detector = GOLDEN["variants"][OFFICIAL[variant.partition("-")[0]]][image], detectors[variant]
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.extend(given))
        for layer in (detector.network.conv1, detector.network.fc1)
    ]
    logit = detector.logit(detector.prepare(picture(image))[None])
    for hook in hooks:
        hook.remove()
    assert_sample(seen[0][0], golden["npr_times_2_3"], within=2e-6)
    assert_sample(seen[1][0], golden["pool512"], within=WITHIN)
    assert logit.item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert logit.sigmoid().item() == pytest.approx(golden["sigmoid"], abs=WITHIN, rel=0)


@torch.no_grad()
@pytest.mark.parametrize("variant", OFFICIAL)
def test_in_float64_the_logit_is_the_official_one(state: dict[str, Tensor], variant: str) -> None:
    exact = ShortResNet(1)
    exact.load_state_dict(state)
    exact.double().eval()
    golden = GOLDEN["variants"][OFFICIAL[variant]]["rgb301x257"]
    seen = INPUTS[variant](picture("rgb301x257"))[None, :, :300, :256].double()
    logit = exact(block_residual(seen) * 2.0 / 3.0).item()
    assert logit == pytest.approx(golden["float64"], abs=1e-12, rel=0)


def resized(image: Image.Image, *, antialias: bool) -> Tensor:
    plain = Preprocess(PLAIN)(image)[None]
    smaller = interpolate(plain, (256, 256), mode="bilinear", antialias=antialias)
    return normalize(smaller, *IMAGENET)


def whole(image: Image.Image) -> Tensor:
    return INPUTS["native"](image)[None]


def residual(seen: Tensor) -> Tensor:
    return block_residual(seen) * 2.0 / 3.0


def squashed(image: Image.Image) -> Tensor:
    return INPUTS["squash256"](image)[None]


def red_for_blue(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.asarray(image)[..., ::-1]))


def by_opencv(image: Image.Image) -> Image.Image:
    return Image.fromarray(cv2.resize(np.asarray(image), (256, 256), interpolation=cv2.INTER_LINEAR))


WRONG: dict[tuple[str, str], Callable[[Image.Image], Tensor]] = {
    ("rgb301x257", "squash256: without the factor 2/3"): lambda image: block_residual(squashed(image)),
    ("rgb301x257", "squash256: no mean/std (x in [0,1])"): lambda image: residual(
        Preprocess(PLAIN, resize=256)(image)[None]
    ),
    ("rgb301x257", "squash256: residual of [0,1] pixels, then full Normalize, then 2/3"): lambda image: (
        normalize(block_residual(Preprocess(PLAIN, resize=256)(image)[None]), *IMAGENET) * 2.0 / 3.0
    ),
    ("rgb301x257", "squash256: red and blue swapped"): lambda image: residual(squashed(red_for_blue(image))),
    ("rgb301x257", "squash256: tensor resize without antialias"): lambda image: residual(
        resized(image, antialias=False)
    ),
    ("rgb301x257", "squash256: tensor resize with antialias (float, not 8 bit)"): lambda image: residual(
        resized(image, antialias=True)
    ),
    ("rgb301x257", "squash256: bicubic"): lambda image: residual(
        Preprocess(IMAGENET, resize=256, resample="bicubic")(image)[None]
    ),
    ("rgb301x257", "squash256: cv2 INTER_LINEAR"): lambda image: residual(whole(by_opencv(image))),
    ("rgb301x257", "squash256: residual against mean of the 2x2 block"): lambda image: (
        (squashed(image) - interpolate(avg_pool2d(squashed(image), 2), scale_factor=2)) * 2.0 / 3.0
    ),
    ("rgb301x257", "squash256: up-sampling bilinear"): lambda image: (
        (squashed(image) - interpolate(squashed(image)[..., ::2, ::2], scale_factor=2, mode="bilinear"))
        * 2.0
        / 3.0
    ),
    ("rgb180x200", "SIDBench/ForensicHub style: CenterCrop224 zero pad, no tiling"): lambda image: residual(
        Preprocess(IMAGENET, crop=224)(image)[None]
    ),
    ("rgb301x257", "tile_cc224: Resize short side 256 keeping aspect, CC224"): lambda image: residual(
        AIGCDETECT(image)[None]
    ),
    ("rgb301x257", "native: first row/column trimmed instead of the last"): lambda image: residual(
        whole(image)[..., 1:, 1:]
    ),
    ("rgb301x257", "native: odd row/column replicated instead of trimmed"): lambda image: residual(
        pad(whole(image), (0, 1, 0, 1), mode="replicate")
    ),
}


@torch.no_grad()
@pytest.mark.parametrize(("image", "what"), WRONG)
def test_a_wrong_input_gives_the_other_number_that_the_official_network_gives_it(
    detectors: dict[str, NPR], image: str, what: str
) -> None:
    found = detectors["squash256"].network(WRONG[image, what](picture(image))).item()
    assert found == pytest.approx(GOLDEN["wrong_variants"][image][what], abs=WITHIN, rel=0)
    for official in GOLDEN["variants"].values():
        if image in official:
            assert found != pytest.approx(official[image]["logit"], abs=10 * WITHIN, rel=0)


def test_a_file_of_another_detector_is_named(tmp_path: Path) -> None:
    torch.save(
        {"conv1.weight": torch.zeros(8, 3, 1, 1), "fc.weight": torch.zeros(1, 8)}, tmp_path / "tiny.pth"
    )
    weights = Weights(paths={"npr": tmp_path / "tiny.pth"}, unverified=True, known=(TINY,))
    with pytest.raises(WrongWeights, match="seems to be weights 'tiny-ladeda'"):
        NPR("native", weights)
