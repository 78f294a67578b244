"""PatchCraft against its code as SIDBench has it: formula weights in the published file, formula images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from PIL import Image
from srm_kernels import srm_kernels
from torch import Tensor, nn

from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors._nets.texture_mosaics import MosaicNetwork, TextureMosaics, textures
from forenbench.detectors.patchcraft import PatchCraft
from forenbench.weights import Weights

GOLDEN, KEYS = modern("patchcraft")["golden"], modern("patchcraft")["keys"]
WITHIN = card("patchcraft").within
WRONG = GOLDEN["wrong_variants"]["rgb301x257"]
OFFICIAL = dict(
    zip(GOLDEN["variants"], (TextureMosaics(), TextureMosaics(cell=28), TextureMosaics(64, 4)), strict=True)
)
"""The published patches, and those of SIDBench's and DetectZoo's defaults."""

CASES = [(variant, image) for variant in OFFICIAL for image in GOLDEN["variants"][variant]]
pytestmark = pytest.mark.slow


def opened(name: str) -> Image.Image:
    """Return a formula picture, or the part of one that is smaller than a patch."""
    return picture("rgb224").crop((0, 0, 40, 20)) if name == "rgb224[0:20,0:40]" else picture(name)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    shapes = shapes_of(MosaicNetwork())
    assert keys_sha256(shapes) == KEYS
    kernels = srm_kernels()
    assert hashlib.sha256(kernels.numpy().tobytes()).hexdigest() == GOLDEN["srm"]["sha256_float32"]
    weights = {"group1.hpf.weight": kernels, **he_weights(shapes[1:])}
    # Little would be left of noise behind the norms' biases.
    weights["group1_b.0.weight"] *= 10
    assert sha256_of_weights(weights) == GOLDEN["weights_sha256"]
    return weights


def loaded(state: dict[str, Tensor], path: Path) -> PatchCraft:
    torch.save({"netC": state}, path)
    return PatchCraft("progan", Weights(paths={"patchcraft": path}, unverified=True))


@pytest.fixture(scope="module")
def network(state: dict[str, Tensor]) -> MosaicNetwork:
    made = MosaicNetwork()
    made.load_state_dict(state)
    return made.eval()


def test_the_default_is_the_published_setting() -> None:
    assert PatchCraft.prepare == OFFICIAL["benchmark_256_8x8_of_32"]


@pytest.mark.parametrize(("variant", "image"), CASES)
def test_patches_are_cut_and_laid_out_where_the_official_code_does(variant: str, image: str) -> None:
    golden, prepare, shown = GOLDEN["variants"][variant][image], OFFICIAL[variant], opened(image)
    small = min(shown.size) < prepare.cell
    height, width = (prepare.cell, prepare.cell) if small else (shown.height, shown.width)
    places = prepare.places(height, width)
    assert len(places) == golden["n_crops"]
    assert [list(place) for place in places[:8]] == golden["crops_top_left_first8"]
    assert [sum(sides) for sides in zip(*places, strict=True)] == golden["crops_sum"]
    poor, rich = prepare(shown)
    assert_sample(poor, golden["poor"], within=1e-7)
    assert_sample(rich, golden["rich"], within=1e-7)


@torch.no_grad()
@pytest.mark.parametrize("image", ["rgb301x257", "rgb224[0:20,0:40]"])
def test_the_logits_are_the_official_ones(network: MosaicNetwork, image: str) -> None:
    golden = GOLDEN["variants"]["benchmark_256_8x8_of_32"][image]
    seen: list[Tensor] = []
    hooks = [
        network.group1_b.register_forward_hook(lambda _, given, made: seen.append(made)),
        network.fc2.register_forward_pre_hook(lambda _, given: seen.extend(given)),
    ]
    logit = network(PatchCraft.prepare(opened(image))[None])
    for hook in hooks:
        hook.remove()
    poor, _, pool = seen
    assert_sample(poor[0], golden["group1_b_poor"], within=1e-5)
    assert_sample(pool[0], golden["pool32"], within=WITHIN)
    assert logit.item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)


@torch.no_grad()
def test_the_published_file_gives_the_official_logit(state: dict[str, Tensor], tmp_path: Path) -> None:
    """In both ways in which it is known: bare, and as DataParallel saves it."""
    golden = GOLDEN["variants"]["benchmark_256_8x8_of_32"]["jpeg256"]
    detector = loaded(state, tmp_path / "RPTC.pth")
    parallel = loaded({f"module.{key}": value for key, value in state.items()}, tmp_path / "module.pth")
    same = zip(detector.network.parameters(), parallel.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    torch.manual_seed(5)  # the state of the process's own generator is no matter, nor is it changed
    before = torch.get_rng_state()
    score = detector.score(detector.prepare(picture("jpeg256"))[None])
    assert score.logit().item() == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert score.item() == pytest.approx(golden["sigmoid"], abs=WITHIN, rel=0)
    assert torch.equal(before, torch.get_rng_state())


@torch.no_grad()
def test_in_float64_the_logit_is_the_official_one(state: dict[str, Tensor]) -> None:
    exact = MosaicNetwork()
    exact.load_state_dict(state)
    pair = PatchCraft.prepare(picture("rgb301x257"))[None].double()
    logit = exact.double().eval()(pair).item()
    expected = GOLDEN["variants"]["benchmark_256_8x8_of_32"]["rgb301x257"]["float64"]
    assert logit == pytest.approx(expected, abs=1e-12, rel=0)


def test_texture_is_the_official_sum() -> None:
    for image, patches in GOLDEN["edge_density"].items():
        shown = Preprocess(PLAIN)(picture(image))
        for top, left, side, expected in patches:
            found = textures(shown[None, :, top : top + side, left : left + side]).item()
            assert found == pytest.approx(expected, rel=1e-6)


@torch.no_grad()
def test_the_seed_alone_changes_the_score_as_it_does_the_official_one(network: MosaicNetwork) -> None:
    expected = GOLDEN["spread_over_seeds_256_3"]["rgb384x512"]["logits_seed_0_to_7"]
    found = network(replace(PatchCraft.prepare, seed=4)(picture("rgb384x512"))[None]).item()
    assert found == pytest.approx(expected[4], abs=WITHIN, rel=0)
    assert found != pytest.approx(expected[0], abs=100 * WITHIN, rel=0)


def mosaics(image: Image.Image) -> Tensor:
    return PatchCraft.prepare(image)[None]


def rich_ascending(image: Image.Image) -> Tensor:
    """The rich patches in the order in which they are sorted: rows and columns backwards, not the pixels."""
    poor, rich = mosaics(image)[0]
    cells = rich.unflatten(1, (8, 32)).unflatten(3, (8, 32)).flip(1, 3)
    return torch.stack([poor, cells.reshape(rich.shape)])[None]


def normalised(image: Image.Image) -> Tensor:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in IMAGENET)
    return (mosaics(image) - mean) / std


INSTEAD: dict[str, Callable[[Image.Image], Tensor]] = {
    "poor and rich swapped": lambda image: mosaics(image).flip(1),
    "ImageNet mean/std": normalised,
    "range 0-255": lambda image: 255 * mosaics(image),
    "rich grid filled in ascending order (official: richest first)": rich_ascending,
    "red and blue swapped": lambda image: mosaics(image).flip(2),
    "CenterCrop 224 first (as in AIGIDetectionZOO transforms)": lambda image: mosaics(
        image.crop((16, 38, 16 + 224, 38 + 224))
    ),
}


@pytest.mark.parametrize("what", INSTEAD)
def test_a_wrong_input_is_another_one_and_has_officially_another_logit(what: str) -> None:
    right, wrong = (prepare(picture("rgb301x257")) for prepare in (mosaics, INSTEAD[what]))
    assert (wrong - right).abs().max() > 0.1
    assert WRONG[what] != pytest.approx(WRONG["right"], abs=50 * WITHIN, rel=0)


def test_patches_of_other_sizes_are_another_input_and_have_officially_other_logits() -> None:
    """Which patches those are is compared with the official ones above."""
    right = PatchCraft.prepare(picture("rgb301x257"))
    for variant in list(OFFICIAL)[1:]:
        wrong = OFFICIAL[variant](picture("rgb301x257"))
        assert wrong.shape != right.shape or (wrong - right).abs().max() > 0.1
        expected = GOLDEN["variants"][variant]["rgb301x257"]["logit"]
        assert expected != pytest.approx(WRONG["right"], abs=1000 * WITHIN, rel=0)


class AcrossFirst(TextureMosaics):
    """DetectZoo 0.1.4's patches: drawn by Python's generator, for each its left before its top."""

    def places(self, height: int, width: int) -> list[tuple[int, int]]:
        random = Random(42)
        ends = width - self.cell, height - self.cell
        drawn = [[random.randint(0, end) for end in ends] for _ in range(3 * self.cells**2)]
        return [(top, left) for left, top in drawn]


@torch.no_grad()
def test_patches_drawn_in_another_way_give_the_other_number_that_they_give_there(
    network: MosaicNetwork,
) -> None:
    golden, image = GOLDEN["detectzoo_0.1.4_defaults"]["rgb301x257"], picture("rgb301x257")
    found = network(AcrossFirst(64, 4)(image)[None]).item()
    assert found == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=1000 * WITHIN, rel=0)
    other = GOLDEN["variants"][
        "wrong_256_4x4_of_64 (the grid of DetectZoo 0.1.4, same sampler as the others)"
    ]
    assert found != pytest.approx(other["rgb301x257"]["logit"], abs=100 * WITHIN, rel=0)


@torch.no_grad()
def test_another_layer_gives_the_other_number_that_it_gives_the_official_network(
    state: dict[str, Tensor],
) -> None:
    pair = mosaics(picture("rgb301x257"))
    network = MosaicNetwork()
    network.load_state_dict(state)
    network.eval().group1_b[2] = nn.ReLU()
    assert_wrong(network(pair).item(), "ReLU in place of Hardtanh(-5,5)")
    network.group1_b[2] = nn.Hardtanh(min_val=-5, max_val=5)
    for layer in network.modules():
        if isinstance(layer, nn.AvgPool2d):
            layer.count_include_pad = False
    assert_wrong(network(pair).item(), "average pool without counting the padding")


def assert_wrong(found: float, what: str) -> None:
    assert found == pytest.approx(WRONG[what], abs=WITHIN, rel=0)
    assert found != pytest.approx(WRONG["right"], abs=10 * WITHIN, rel=0)
