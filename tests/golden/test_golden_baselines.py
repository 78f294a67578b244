"""The papers' other detectors against their official code: formula weights, formula images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import AVAILABLE, card, keys_sha256, picture
from torch import Tensor, nn

from forenbench.detectors._nets.denoising import NoiseNetwork
from forenbench.detectors._nets.fusing_network import FusingNetwork
from forenbench.detectors._nets.pixels import AIGCDETECT, IMAGENET, PLAIN, Preprocess
from forenbench.detectors._nets.textures import GramNetwork
from forenbench.detectors.fusing import WHOLE, Fusing
from forenbench.detectors.lnp import noise_pictures

NUMBERS: dict[str, Any] = json.loads(Path(__file__).with_name("baselines.json").read_text())
pytestmark = pytest.mark.slow
N = TypeVar("N", bound=nn.Module)


def filled(network: N, name: str, convolutions: float = 1) -> N:
    """Fill a network by formula; its entries are the official ones in their order."""
    golden = NUMBERS[name]
    shapes = shapes_of(network)
    assert keys_sha256(shapes) == golden["keys"]
    weights = he_weights(shapes)
    network.load_state_dict(
        {key: value * convolutions if value.ndim == 4 else value for key, value in weights.items()}
    )
    # Read back, for entries that share their numbers have those of the last of them.
    assert sha256_of_weights(network.state_dict()) == golden["weights_sha256"]
    return network.eval()


def images(name: str) -> list[str]:
    return [image for image in NUMBERS[name]["images"] if image in AVAILABLE]


def near(value: float, detector: str) -> object:
    """Allow what other kernels may make of sums in float32, ten times what was seen."""
    within = card(detector).within
    return pytest.approx(value, rel=within, abs=within)


@torch.no_grad()
def test_gramnet_gives_the_official_logits() -> None:
    network = filled(GramNetwork(), "gram_resnet18")
    assert sum(one.numel() for one in network.parameters()) == NUMBERS["gram_resnet18"]["parameters"]
    seen = {image: AIGCDETECT(picture(image))[None] for image in images("gram_resnet18")}
    golden = NUMBERS["gram_resnet18"]["images"]
    for image, given in seen.items():
        assert network(given).item() == near(golden[image]["logit"], "gramnet")
    # Wider than high: scaled by its shorter side, where others squash it.
    given = seen["rgb384x512"]
    exact = network.double()(given.double()).item()
    assert exact == pytest.approx(golden["rgb384x512"]["float64"], rel=1e-9)
    squashed = Preprocess(IMAGENET, resize=256, crop=224)(picture("rgb384x512"))[None]
    assert network(squashed.double()).item() != pytest.approx(exact, rel=1e-3)


@torch.no_grad()
def test_fusing_looks_at_the_official_parts_and_gives_the_official_logits() -> None:
    network = filled(FusingNetwork(), "fusing_patch5")
    assert sum(one.numel() for one in network.parameters()) == NUMBERS["fusing_patch5"]["parameters"]
    for image in images("fusing_patch5"):
        golden, opened = NUMBERS["fusing_patch5"]["images"][image], picture(image)
        seen = network.look(WHOLE(opened), opened.height, opened.width)
        assert [list(part) for part in seen.parts] == golden["boxes_top_left_bottom_right"]
        assert seen.features[0, :4].tolist() == near(golden["embedding"]["first4"], "fusing")
        assert seen.features.double().sum().item() == near(golden["embedding"]["sum"], "fusing")
    # The parts are scaled to one size: a pass for the six of one picture takes seconds.
    golden = NUMBERS["fusing_patch5"]["images"]["rgb384x512"]
    assert network(Fusing.prepare(picture("rgb384x512"))).item() == near(golden["logit"], "fusing")


def plain(image: str) -> Tensor:
    return Preprocess(PLAIN)(picture(image))[None]


@torch.no_grad()
def test_the_denoiser_finds_the_official_noise() -> None:
    network = filled(NoiseNetwork(), "lnp_denoisenet", convolutions=0.25)
    assert sum(one.numel() for one in network.parameters()) == NUMBERS["lnp_denoisenet"]["parameters"]
    for cut, golden in NUMBERS["lnp_denoisenet"]["images"].items():
        image = cut.removesuffix("[:48,:48]")
        if image not in AVAILABLE:
            continue
        given = plain(image)[..., :48, :48]
        found, exact = network(given)[0], network.double()(given.double())[0]
        network.float()
        within = card("lnp").within
        for values, numbers, far in ((found, golden["output"], within), (exact, golden["float64"], 1e-9)):
            for place, number in numbers.items():
                assert values[tuple(map(int, place.split(",")))].item() == pytest.approx(number, abs=far)
        assert found.abs().double().mean().item() == pytest.approx(golden["abs_mean"], abs=1e-6)


def test_lnp_classifies_negatives_with_red_and_blue_swapped_as_its_weights_were_used() -> None:
    golden = NUMBERS["lnp_denoisenet"]["after_identity"]
    (shown,) = noise_pictures(plain(golden["image"]))
    pixels = np.asarray(shown)
    assert np.asarray(picture(golden["image"]))[100, 37].tolist() == golden["before_at_100,37"]
    assert pixels[100, 37].tolist() == golden["after_at_100,37"]
    assert pixels.sum((0, 1)).tolist() == golden["sum"]
