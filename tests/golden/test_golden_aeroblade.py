"""AEROBLADE against the official code, stage by stage: distance on formula weights, draws, rounding.

Its autoencoder is CO-SPY's, whose means, deviations and pictures are compared with official ones there.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights
from formula_images import IMAGES as FORMULA_IMAGES
from golden import assert_sample, card, keys_sha256, modern, picture
from numpy.typing import NDArray
from published_keys import flat, published_keys
from torch import Tensor, nn

from forenbench.detectors._nets.autoencoder import Autoencoder
from forenbench.detectors._nets.perceptual_distance import (
    PerceptualDistance,
    in_eight_bits,
    perceptual_distance,
)
from forenbench.detectors.aeroblade import AUTOENCODERS, Aeroblade, WholeLatents, first_draw, rebuild
from forenbench.testing import CHECKS, run_check
from forenbench.weights import Weights

GOLDEN = modern("aeroblade")["golden"]
IMAGES: dict[str, Any] = GOLDEN["images"]
CARD = card("aeroblade")
PICTURE = "rgb301x257"

pytestmark = pytest.mark.slow


def reconstruction(name: str) -> NDArray[np.uint8]:
    """Make the picture that the official distance was given as the rebuilt one."""
    pixels = np.asarray(picture(name), dtype=np.float64)
    random = np.random.RandomState(7500 + list(FORMULA_IMAGES).index(name))
    mixed = 0.9 * pixels + 0.1 * pixels.mean((0, 1)) + 2 * random.randn(*pixels.shape)
    made = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    assert hashlib.sha256(made.tobytes()).hexdigest() == IMAGES[name]["reconstruction_sha256"]
    return made


def pair(name: str) -> tuple[Tensor, Tensor]:
    both = np.asarray(picture(name)), reconstruction(name)
    first, second = (torch.from_numpy(one.copy()).permute(2, 0, 1)[None].float() / 255 for one in both)
    return first, second


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Both files of the distance; VGG16's classifier, which has no part in it, is one number repeated."""
    folder = tmp_path_factory.mktemp("aeroblade")
    shapes = [one for one in published_keys()["vgg16"].items() if one[0].startswith("features.")]
    shapes.sort(key=lambda one: (int(one[0].split(".")[1]), one[0].endswith("bias")))
    assert keys_sha256(shapes) == modern("aeroblade")["keys"]
    drawn = he_weights(shapes)
    assert sha256_of_weights(drawn) == GOLDEN["weights_sha256"]
    torch.save(flat("vgg16") | drawn, folder / "vgg16.pth")
    second = torch.tensor(GOLDEN["lin_weights"]["lin1_128_values"]).view(1, 128, 1, 1)
    torch.save(flat("lpips-vgg") | {"lin1.model.1.weight": second}, folder / "lpips.pth")
    return Weights(paths={"vgg16": folder / "vgg16.pth", "lpips-vgg": folder / "lpips.pth"}, unverified=True)


@pytest.fixture(scope="module")
def distance(weights: Weights) -> PerceptualDistance:
    return perceptual_distance(weights)


@pytest.mark.parametrize("name", ["rgb180x200", PICTURE])
@torch.no_grad()
def test_the_distance_is_the_official_one(distance: PerceptualDistance, name: str) -> None:
    golden = IMAGES[name]
    found = distance(*pair(name))
    # A thousandth of an entry's usual size.
    assert_sample(found[0], golden["layer2_map_float32"], within=1e-7)
    assert found.mean().item() == pytest.approx(golden["layer2_mean_float32"], abs=CARD.within, rel=0)
    assert found.double().mean().item() == pytest.approx(golden["layer2_mean_float64"], rel=1e-6)
    # The official last number is of half precision, whose steps are about a thousandth of it.
    official = golden["official_negative_distance_float16"]["lpips_vgg_2"]
    assert -found.half().mean().item() == pytest.approx(official, rel=1e-3)


@torch.no_grad()
def test_other_distances_differ(distance: PerceptualDistance) -> None:
    first, second = pair(PICTURE)
    seen = [distance.features((one * 2 - 1 - SHIFT) / SCALE) for one in (first, second)]
    one, other = (maps / maps.square().sum(1, keepdim=True).sqrt() for maps in seen)
    found = {
        "normalize=False ([0,1] fed as if [-1,1])": distance((first + 1) / 2, (second + 1) / 2),
        "no lin weights (sum over channels)": (one - other).square().sum(1),
        "lin weights but no channel normalisation": distance.weighing((seen[0] - seen[1]).square()),
    }
    wrong = IMAGES[PICTURE]["wrong_variants"]
    right = IMAGES[PICTURE]["layer2_mean_float32"]
    for name, map_ in found.items():
        assert map_.mean().item() == pytest.approx(wrong[name], rel=1e-4), name
        assert abs(map_.mean().item() - right) > 1e-4


SHIFT = torch.tensor(GOLDEN["scaling_layer"]["shift"]).view(3, 1, 1)
SCALE = torch.tensor(GOLDEN["scaling_layer"]["scale"]).view(3, 1, 1)


def test_the_card_has_the_official_numbers_of_wrong_distances() -> None:
    wrong = IMAGES[PICTURE]["wrong_variants"].values()
    for one in CARD.wrong:
        assert one.right == pytest.approx(-IMAGES[PICTURE]["layer2_mean_float32"], rel=1e-6)
        assert any(-one.wrong == pytest.approx(number, rel=1e-6) for number in wrong), one.what


def test_every_picture_is_drawn_as_the_first_of_a_folder() -> None:
    assert_sample(first_draw(64, 64)[0], GOLDEN["posterior_noise"]["float32_draw_first"], within=1e-6)
    assert_sample(first_draw(64, 64)[0].half(), GOLDEN["posterior_noise"]["first"], within=0)


def test_a_reconstruction_is_cut_to_eight_bits_in_half_precision() -> None:
    golden = GOLDEN["to_pil_image_of_float16"]
    found = in_eight_bits(torch.tensor(golden["input_float16"])) * 255
    assert found.round().int().tolist() == golden["bytes"]
    assert in_eight_bits(torch.tensor([-1.0, 2.0])).tolist() == [0, 1]


@pytest.mark.parametrize(("size", "shape"), [((301, 257), (3, 256, 296)), ((5, 20), (3, 16, 8))])
def test_pictures_keep_their_size_but_for_the_last_few_pixels(
    size: tuple[int, int], shape: tuple[int, ...]
) -> None:
    image = picture("rgb384x512").crop((0, 0, *size))
    prepared = WholeLatents()(image)
    assert tuple(prepared.shape) == shape
    assert (prepared[:, 0, :5] * 255).round().int().T.tolist() == np.asarray(image)[0, :5].tolist()


# --- The autoencoders: of zeros but for what gives the answer, so that it is known beforehand

OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def constant(path: Path, colour: float, *, is_old: bool = False) -> Path:
    """Write an autoencoder that rebuilds one colour, in half precision; its latents are 0.5 and exp(1)."""
    state = {
        key: torch.zeros((), dtype=torch.float16).expand(shape)
        for key, shape in published_keys()["sd1-autoencoder"].items()
    }
    state["quant_conv.bias"] = torch.tensor([0.5] * 4 + [2.0] * 3 + [50.0]).half()
    state["decoder.conv_out.bias"] = torch.full((3,), colour).half()
    for new, old in OLD_NAMES.items() if is_old else ():
        state = {key.replace(f".{new}.", f".{old}."): value for key, value in state.items()}
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def both(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("autoencoders")
    paths = {
        "sd1-autoencoder": constant(folder / "sd1", 0.9, is_old=True),
        "sd2-autoencoder": constant(folder / "sd2", -0.1),
    }
    return Weights(paths={**weights.paths, **paths}, unverified=True)


@torch.no_grad()
def test_the_score_is_minus_the_distance_to_the_best_reconstruction(
    both: Weights, distance: PerceptualDistance
) -> None:
    image = picture(PICTURE).crop((0, 0, 40, 24))
    pixels = WholeLatents()(image)[None]
    # 255 * 0.95 is cut to 242, 255 * 0.45 to 114.
    expected = [-distance(pixels, torch.full_like(pixels, level / 255)).mean().item() for level in (242, 114)]
    detector = Aeroblade("sd1-sd2", both)
    rebuilt = [rebuild(autoencoder, pixels) for autoencoder in detector.autoencoders]
    found = [-distance(pixels, one).mean().item() for one in rebuilt]
    assert found == pytest.approx(expected, rel=1e-6)
    score = max(expected)
    assert detector.score(pixels.repeat(2, 1, 1, 1)).tolist() == pytest.approx([score] * 2, rel=1e-6)


@torch.no_grad()
def test_latents_have_the_deviation_of_half_their_log_variance(both: Weights) -> None:
    network = AUTOENCODERS["sd1"].load(both, Aeroblade.checkpoints)
    assert isinstance(network, Autoencoder)
    means, deviations = network.distributions(torch.zeros(1, 3, 16, 8))
    assert means.flatten().tolist() == [0.5] * 8
    # A log variance beyond 20 counts as 20.
    assert deviations.flatten().tolist() == pytest.approx([np.exp(1)] * 6 + [np.exp(10)] * 2)


class Blocks(Autoencoder):
    """Blocks of eight pixels to latents and back: what the contract asks for takes the real one minutes."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(0)
        self.encoder, self.decoder = nn.Conv2d(3, 8, 8, stride=8), nn.ConvTranspose2d(4, 3, 8, stride=8)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(8, 8, 1), nn.Conv2d(4, 4, 1)


def test_the_contract(both: Weights) -> None:
    detector = Aeroblade("sd1", both)
    detector.autoencoders = [Blocks().eval()]
    detector.distance = PerceptualDistance(nn.Conv2d(3, 128, 3, 2), detector.distance.weighing)
    # What large pictures and a random draw put at risk.
    chosen = [check for check in CHECKS if re.match("one finite score for an image|a batch|the same", check)]
    assert {check: run_check(check, detector) for check in chosen} == dict.fromkeys(chosen, "")
    assert len(chosen) == 3
