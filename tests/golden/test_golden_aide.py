"""AIDE against the official code: which patches it takes, and its network around a trunk by formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from numpy.typing import ArrayLike
from published_keys import flat
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms import functional

from forenbench.detectors._nets.aide_network import AideNetwork, with_clips_statistics
from forenbench.detectors._nets.graded_patches import chosen, five_inputs, grades, patches
from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors.aide import AIDE
from forenbench.weights import Weights

NUMBERS = modern("aide")
GOLDEN = NUMBERS["golden"]
IMAGES = GOLDEN["images"]
WITHIN = card("aide").within
PICTURE = "rgb384x512"
WRONG = GOLDEN["wrong_variants"][PICTURE]
TRUNK = "openclip_convnext_xxl."
NEIGHBOURS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
"""Around a pixel, as (row, column)."""

pytestmark = pytest.mark.slow
plain = Preprocess(PLAIN)


def srm_filters() -> Tensor:
    """Make the bank of Fridrich and Kodovský's rich models, in AIDE's order and scale: (30, 3, 5, 5)."""
    first = [line([(0, -1), (1, 1)], way) for way in NEIGHBOURS]
    second = [line([(-1, 1), (0, -2), (1, 1)], way) / 2 for way in NEIGHBOURS[:4]]
    # Third-order ones run from one neighbour over the centre to the far side.
    ways = [(1, 1), (1, 0), (1, -1), (0, 1), (-1, -1), (-1, 0), (-1, 1), (0, -1)]
    third = [line([(-1, 3), (0, -3), (1, 1), (-2, -1)], way) / 3 for way in ways]
    third[3], third[7] = third[7], third[3]
    edge3 = [[-1, 2, -1], [2, -4, 2], [0, 0, 0]]
    edge5 = [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [0] * 5, [0] * 5]
    square3 = [*edge3[:2], edge3[0]]
    square5 = [*edge5[:3], edge5[1], edge5[0]]
    turned3 = [np.pad(turned / 4, 1) for turned in turns(edge3)]
    turned5 = [turned / 12 for turned in turns(edge5)]
    squares = [np.pad(np.array(square3) / 4, 1), np.array(square5) / 12]
    bank = np.stack([*first, *second, *third, *turned3, *turned5, *squares]).astype(np.float32)
    return torch.from_numpy(bank)[:, None].repeat(1, 3, 1, 1)


def line(values: list[tuple[int, int]], way: tuple[int, int]) -> np.ndarray[Any, Any]:
    filter_ = np.zeros((5, 5))
    for step, value in values:
        filter_[2 + step * way[0], 2 + step * way[1]] = value
    return filter_


def turns(edge: ArrayLike) -> list[np.ndarray[Any, Any]]:
    """Up, right, down and left."""
    return [np.rot90(np.array(edge), -quarter) for quarter in range(4)]


@pytest.mark.parametrize("name", IMAGES)
def test_patches_and_all_five_inputs_are_the_official_ones(name: str) -> None:
    golden, pixels = IMAGES[name], plain(picture(name))
    found = grades(pixels)
    places = chosen(found)
    columns = patches(pixels).shape[2]
    assert len(found) == golden["patches"]
    assert list(places) == golden["index_min_max_min2_max2"]
    assert [[16 * (place // columns), 16 * (place % columns)] for place in places] == golden[
        "row_col_min_max_min2_max2"
    ]
    lowest, highest, low, high = (found[place].item() for place in places)
    assert [found[0].item(), lowest, low, found[-1].item()] == pytest.approx(
        golden["grade_first_min_second_min_last"], abs=1e-4
    )
    assert [highest, high] == pytest.approx(golden["grade_max_second_max"], abs=1e-4)
    inputs = five_inputs(picture(name))
    for ours, sample in zip(inputs, golden["input_min_max_min2_max2_whole"], strict=True):
        assert_sample(ours, sample, within=1e-5)
    assert_sample(
        with_clips_statistics(inputs[4]), golden["trunk_input_after_statistics_change"], within=1e-5
    )


def test_grades_of_pixels_up_to_255_would_choose_other_patches() -> None:
    wrong = WRONG["grades on 0..255 pixels: indices min max min2 max2"]
    assert list(chosen(grades(plain(picture(PICTURE)) * 255))) == wrong
    assert wrong != IMAGES[PICTURE]["index_min_max_min2_max2"]


def test_smoothing_the_tensor_would_make_another_whole_and_the_same_patches() -> None:
    pixels, right = plain(picture(PICTURE)), five_inputs(picture(PICTURE))
    smoothed = functional.normalize(functional.resize(pixels, [256, 256], antialias=True), *IMAGENET)
    pillow = Preprocess(IMAGENET, resize=256)(picture(PICTURE))
    assert_sample(smoothed, WRONG["antialias=True (torchvision >= 0.17 default): whole-image input"], 1e-5)
    assert_sample(pillow, WRONG["Pillow resize of 8-bit pictures: whole-image input"], 1e-5)
    assert (smoothed - right[4]).abs().max() > 0.01 < (pillow - right[4]).abs().max()
    patch = patches(pixels).flatten(1, 2)[:, IMAGES[PICTURE]["index_min_max_min2_max2"][0]]
    enlarged = interpolate(patch[None], (256, 256), mode="bilinear", antialias=True)[0]
    assert_sample(functional.normalize(enlarged, *IMAGENET), WRONG["antialias=True: patch input min"], 1e-5)
    assert torch.allclose(functional.normalize(enlarged, *IMAGENET), right[0], atol=1e-5)


def test_a_picture_smaller_than_a_patch_is_laid_out() -> None:
    """The official code fails on it; this is ours."""
    small = picture("rgb256b").crop((0, 0, 20, 9))
    twice = small.resize((40, 36)).copy()
    for left in (0, 20):
        for top in (0, 9, 18, 27):
            twice.paste(small, (left, top))
    assert torch.equal(five_inputs(small)[:4], five_inputs(twice)[:4])


# --- The network


@pytest.fixture(scope="module")
def aide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AIDE]:
    """The published layout; of the trunk, numbers that no memory is needed for."""
    path = tmp_path_factory.mktemp("aide") / "progan_train.pth"
    with torch.device("meta"):
        shapes = shapes_of(AideNetwork())
    assert keys_sha256(shapes) == NUMBERS["keys"]
    shapes = [one for one in shapes if not one[0].startswith(TRUNK)]
    assert keys_sha256(shapes[1:]) == NUMBERS["keys_without_trunk"]
    state = he_weights(shapes[1:])
    assert sha256_of_weights(state) == GOLDEN["weights_sha256_without_trunk"]
    assert_sample(srm_filters(), GOLDEN["srm"], within=1e-7)
    torch.save({"model": flat("aide-progan") | {"hpf.hpf.weight": srm_filters()} | state}, path)
    yield AIDE("progan", Weights(paths={"aide-progan": path}, unverified=True))
    path.unlink()


@pytest.fixture
def trunk(aide: AIDE, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Let maps by formula stand in for the trunk's, as they did in the official run."""
    maps = torch.from_numpy(np.float32(0.5 * np.random.RandomState(4321).randn(1, 3072, 8, 8)))
    assert_sample(maps[0], GOLDEN["formula_trunk_output"]["samples"], within=1e-9)
    monkeypatch.setattr(aide.network, "maps", lambda images: maps.expand(len(images), -1, -1, -1))
    return maps


@torch.no_grad()
@pytest.mark.usefixtures("trunk")
def test_noise_logits_and_score_are_the_official_ones(aide: AIDE) -> None:
    """Of a picture, and of its five inputs in the order of others: lowest, second lowest, highest, second."""
    golden, network, noise, logits = IMAGES[PICTURE], aide.network, list[Tensor](), list[Tensor]()
    batch = AIDE.prepare(picture(PICTURE))[None]
    assert_sample(network.hpf(batch[:, 0])[0], golden["hpf_of_min"], within=1e-5)
    hooks = [
        list(resnet.children())[-2].register_forward_hook(lambda _, given, made: noise.append(made))
        for resnet in (network.model_min, network.model_max)
    ]
    hooks.append(network.register_forward_hook(lambda _, given, made: logits.extend(made)))
    score = aide.score(torch.cat([batch, batch[:, [0, 2, 1, 3, 4]]]))[0]
    for hook in hooks:
        hook.remove()
    lowest, low, highest, high = (averages[0].flatten() for averages in noise)
    official = golden["resnet2048_min_max_min2_max2"]
    for ours, sample in zip((lowest, highest, low, high), official, strict=True):
        assert_sample(ours, sample, within=1e-3)
    right, wrong = (each.tolist() for each in logits)
    assert right == pytest.approx(golden["logits"], abs=WITHIN)
    assert score.item() == pytest.approx(golden["softmax1"], abs=WITHIN)
    name = "order min, min2, max, max2 (instead of min, max, min2, max2): logits"
    assert wrong == pytest.approx(WRONG[name], abs=WITHIN)
    assert wrong != pytest.approx(golden["logits"], abs=5 * WITHIN)


@torch.no_grad()
def test_the_trunks_norm_comes_before_the_average() -> None:
    """The official code takes pooling out of timm's head; then what is left of it norms each position."""
    network = AideNetwork("convnext_atto").eval()
    trunk = network.openclip_convnext_xxl
    trunk.head.norm.weight.normal_(generator=torch.Generator().manual_seed(1))
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    ours = network.maps(images)
    trunk.head.global_pool = trunk.head.flatten = torch.nn.Identity()
    assert torch.equal(ours, trunk(images))
