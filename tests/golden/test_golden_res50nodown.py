"""GRIP's ResNet-50 on whole pictures against the official code of the four repositories that use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from PIL.Image import Image
from torch import Tensor, nn
from torch.nn.functional import dropout

from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import AIGCDETECT, CLIP, IMAGENET, PLAIN, Preprocess
from forenbench.detectors._nets.res50nodown import res50nodown, whole_logit
from forenbench.detectors.aligned import AlignedForensics
from forenbench.detectors.corvi import Corvi
from forenbench.detectors.grag2021 import Gragnaniello, average_logit, tiles
from forenbench.detectors.stay_positive import StayPositive
from forenbench.weights import Weights, WrongWeights

pytestmark = pytest.mark.slow
Seen = dict[str, Tensor]
GOLDEN = modern("res50nodown")["golden"]
WITHIN = card("corvi").within
PICTURE = "rgb180x200"
"""The smallest, for the network takes seconds. A side of it, as of its tiles, is no multiple of 8."""
RIGHT, WRONG = GOLDEN["images"][PICTURE]["logit"], GOLDEN["wrong_variants"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """One file of the training's format for all."""
    with torch.device("meta"):
        shapes = shapes_of(res50nodown())
    assert keys_sha256(shapes) == modern("res50nodown")["keys"]
    state = he_weights(shapes)
    assert sha256_of_weights(state) == GOLDEN["weights_sha256"]
    file = tmp_path_factory.mktemp("res50nodown") / "model_epoch_best.pth"
    torch.save({"model": state, "optimizer": {"state": {}}, "total_steps": 3}, file)
    names = ("corvi-latent", "grag2021-stylegan2", "aligned-ours-sync", "stay-positive-rajan-plus")
    return Weights(paths=dict.fromkeys(names, file), unverified=True)


@pytest.fixture(scope="module")
def corvi(weights: Weights) -> Corvi:
    return Corvi("latent", weights)


@pytest.fixture(scope="module")
def seen(corvi: Corvi) -> Seen:
    """What the network makes of one picture, at several of its layers, in double precision."""
    made = {"input": corvi.prepare(picture(PICTURE))[None]}
    pool = corvi.network.maxpool
    hooks = [
        layer.register_forward_hook(lambda module, given, out, at=at: made.update({at: out}))
        for at, layer in (("stem", pool), ("maps", corvi.network.layer4), ("pool", corvi.network.avgpool))
    ]
    hooks.append(pool.register_forward_pre_hook(lambda module, given: made.update(unpooled=given[0])))
    corvi.network.double()
    with torch.no_grad():
        made["logit"] = corvi.logit(made["input"].double())
    corvi.network.float()
    for hook in hooks:
        hook.remove()
    return made


@pytest.mark.parametrize("name", GOLDEN["images"])
def test_inputs_are_the_official_ones(corvi: Corvi, name: str) -> None:
    assert_sample(corvi.prepare(picture(name)), GOLDEN["images"][name]["input"], 1e-6)


def test_features_and_logits_are_the_official_ones(seen: Seen) -> None:
    golden = GOLDEN["images"][PICTURE]
    assert_sample(seen["stem"][0], golden["stem"], 2e-5)
    assert list(seen["maps"].shape) == golden["layer4_shape"]
    assert_sample(seen["pool"][0, :, 0, 0], golden["pool2048"], 2e-5)
    assert seen["logit"].item() == pytest.approx(RIGHT, abs=WITHIN)
    assert seen["logit"].item() == pytest.approx(WRONG[PICTURE]["float64 of the right one"], abs=1e-9)


def test_a_logit_at_each_place_and_then_their_mean_is_the_same(corvi: Corvi, seen: Seen) -> None:
    """As in DMimageDetection; the other repositories take the mean first."""
    golden, places = GOLDEN["dmimagedetection_map"][PICTURE], logits_of_places(corvi, seen)
    assert_sample(places, golden["map"], 2e-4)
    assert golden["mean"] == pytest.approx(seen["logit"].item(), abs=WITHIN)
    assert places.mean().item() == pytest.approx(golden["mean"], abs=WITHIN)


@torch.no_grad()
def logits_of_places(corvi: Corvi, seen: Seen) -> Tensor:
    logits: Tensor = corvi.network.fc(seen["maps"].float().permute(0, 2, 3, 1))
    return logits[0, :, :, 0]


@torch.no_grad()
def test_bands_of_a_large_picture_make_the_logit_of_the_whole(corvi: Corvi) -> None:
    exact = corvi.network.double()
    strip = corvi.prepare(picture("rgb384x512"))[None, :, :203, :8].double()
    whole, bands = whole_logit(exact, strip).item(), whole_logit(exact, strip, largest=8 * 72).item()
    corvi.network.float()
    # Three bands with their margins: every place sees what it sees in the whole picture.
    assert bands == pytest.approx(whole, abs=1e-13)


def test_all_four_detectors_see_whole_pictures_through_this_network(weights: Weights, corvi: Corvi) -> None:
    for detector in (AlignedForensics("ours-sync", weights), Gragnaniello("stylegan2", weights)):
        assert detector.prepare == corvi.prepare
        same = zip(detector.network.parameters(), corvi.network.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in same)
        assert detector.network.conv1.stride == (1, 1)
    assert {card(name).within for name in ("corvi", "grag2021", "aligned", "stay-positive")} == {WITHIN}


def test_stay_positive_refuses_a_file_whose_last_layer_is_not_positive(weights: Weights) -> None:
    """A detector that it started from has the same keys and shapes."""
    with pytest.raises(WrongWeights, match=r"'fc.weight' has negative entries.*those of corvi and aligned"):
        StayPositive("rajan-plus", weights)


# --- Tiles of Gragnaniello et al.


def test_tiles_have_the_official_sizes() -> None:
    for size, golden in GOLDEN["gandetection_tiles_true_constants"].items():
        width, height = map(int, size.split()[0].split("x"))
        cut = tiles(torch.empty(1, 3, height, width, device="meta"))
        assert [list(tile.shape[-2:]) for tile in cut] == golden, size
    assert len(tiles(torch.empty(1, 3, 180, 200), above=180, side=100)) == 1


@torch.no_grad()
def test_the_logit_of_tiles_is_weighed_by_their_areas(corvi: Corvi, seen: Seen) -> None:
    """In single precision, in which detectors run."""
    golden = GOLDEN["gandetection_tiled_with_limit150_slide100"][PICTURE]
    cut = tiles(seen["input"], above=150, side=100)
    assert [list(tile.shape[-2:]) for tile in cut] == [size for size, _ in golden["tiles"]]
    assert average_logit(corvi.network, cut).item() == pytest.approx(golden["logit"], abs=WITHIN)
    assert golden["logit"] != pytest.approx(GOLDEN["gandetection_whole"][PICTURE], abs=0.1)


# --- What other harnesses do


@contextmanager
def strides(network: nn.Module, first: int, pool: int) -> Iterator[None]:
    network.conv1.stride, network.maxpool.stride = (first, first), pool
    yield
    network.conv1.stride, network.maxpool.stride = (1, 1), 1


@torch.no_grad()
def test_the_ordinary_resnet_50_takes_the_file_and_gives_another_logit(corvi: Corvi, seen: Seen) -> None:
    ordinary = resnet_50()
    ordinary.load_state_dict(corvi.network.state_dict(), strict=True)
    logit = ordinary.eval()(seen["input"]).item()
    assert_wrong(logit, "ordinary ResNet-50 strides (same keys load without complaint)")
    with strides(corvi.network, 2, 1):
        logit = corvi.logit(seen["input"]).item()
    assert_wrong(logit, "stride 2 in conv1, 1 in the max pool")


INSTEAD: dict[tuple[str, str], Callable[[Image], Tensor]] = {
    (PICTURE, "CenterCrop224 (zero pad before normalisation)"): Preprocess(IMAGENET, crop=224),
    (PICTURE, "CLIP mean/std"): Preprocess(CLIP),
    (PICTURE, "no mean/std"): Preprocess(PLAIN),
    (PICTURE, "red and blue swapped"): lambda image: Corvi.prepare(image).flip(0),
    (PICTURE, "squash 224 bilinear"): Preprocess(IMAGENET, resize=224),
    ("rgb301x257", "CenterCrop224"): Preprocess(IMAGENET, crop=224),
    ("rgb301x257", "Resize 256 short side + CenterCrop 224"): AIGCDETECT,
}


@pytest.mark.parametrize(("name", "what"), INSTEAD)
def test_another_input_has_officially_another_logit(name: str, what: str) -> None:
    """A pass of the network takes seconds, and what it makes of the right input is compared."""
    right, wrong = Corvi.prepare(picture(name)), INSTEAD[name, what](picture(name))
    assert wrong.shape != right.shape or (wrong - right).abs().max() > 0.1
    assert WRONG[name][what] != pytest.approx(GOLDEN["images"][name]["logit"], abs=0.05)


def test_without_the_max_pool_the_blocks_see_other_maps(seen: Seen) -> None:
    with pytest.raises(AssertionError):
        assert_sample(seen["unpooled"][0], GOLDEN["images"][PICTURE]["stem"], 0.1)
    assert WRONG[PICTURE]["no max pool"] != pytest.approx(RIGHT, abs=0.3)


@torch.no_grad()
def test_another_reading_of_the_last_maps_gives_another_score(corvi: Corvi, seen: Seen) -> None:
    places = logits_of_places(corvi, seen)
    assert_wrong(places.max().item(), "max of the map instead of the mean")
    assert_wrong(places.sigmoid().mean().item(), "sigmoid of each position, then mean")
    torch.manual_seed(0)
    left_on = corvi.network.fc(dropout(seen["pool"].float()[:, :, 0, 0], 0.5))
    assert_wrong(left_on.item(), "dropout .5 left on, seed 0")


def assert_wrong(found: float, what: str) -> None:
    assert found == pytest.approx(WRONG[PICTURE][what], abs=WITHIN)
    assert found != pytest.approx(RIGHT, abs=0.01)


def test_the_card_has_the_official_numbers_of_wrong_variants() -> None:
    for one in card("corvi").wrong:
        assert one.right == pytest.approx(GOLDEN["images"][one.picture]["logit"], abs=1e-6)
        official = WRONG[one.picture].values()
        assert any(one.wrong == pytest.approx(number, abs=1e-6) for number in official), one.what
