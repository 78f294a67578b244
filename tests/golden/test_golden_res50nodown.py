"""GRIP's ResNet-50 on whole pictures against the official code of the four repositories that use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from torch import Tensor, nn

from forenbench.detectors._nets.networks import resnet_50
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, PLAIN, Preprocess
from forenbench.detectors._nets.res50nodown import res50nodown, whole_logit
from forenbench.detectors.aligned import AlignedForensics
from forenbench.detectors.corvi import Corvi
from forenbench.detectors.grag2021 import Gragnaniello, average_logit, tiles
from forenbench.detectors.stay_positive import StayPositive
from forenbench.weights import Weights, WrongWeights

pytestmark = pytest.mark.slow
GOLDEN = modern("res50nodown")["golden"]
WITHIN = card("corvi").within
WRONG = GOLDEN["wrong_variants"]["rgb180x200"]
FEW = ("rgb180x200", "rgb301x257")
"""Their sides are no multiples of 8; the network takes seconds for each."""


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
def seen(corvi: Corvi) -> dict[str, dict[str, Tensor]]:
    """What the network makes of two pictures, at several of its layers."""
    found: dict[str, dict[str, Tensor]] = {}
    for name in FEW:
        made = found[name] = {"input": corvi.prepare(picture(name))[None]}
        hooks = [
            layer.register_forward_hook(lambda module, given, out, at=at, made=made: made.update({at: out}))
            for at, layer in (
                ("stem", corvi.network.maxpool),
                ("maps", corvi.network.layer4),
                ("pool", corvi.network.avgpool),
            )
        ]
        with torch.no_grad():
            made["logit"] = corvi.logit(made["input"])
        for hook in hooks:
            hook.remove()
    return found


def test_inputs_features_and_logits_are_the_official_ones(seen: dict[str, dict[str, Tensor]]) -> None:
    for name in FEW:
        golden, made = GOLDEN["images"][name], seen[name]
        assert_sample(made["input"][0], golden["input"], 1e-6)
        assert_sample(made["stem"][0], golden["stem"], 2e-5)
        assert list(made["maps"].shape) == golden["layer4_shape"]
        assert_sample(made["pool"][0, :, 0, 0], golden["pool2048"], 2e-5)
        assert made["logit"].item() == pytest.approx(golden["logit"], abs=WITHIN), name


def test_a_logit_at_each_place_and_then_their_mean_is_the_same(
    corvi: Corvi, seen: dict[str, dict[str, Tensor]]
) -> None:
    """As in DMimageDetection; the other repositories take the mean first."""
    golden, made = GOLDEN["dmimagedetection_map"]["rgb180x200"], seen["rgb180x200"]
    places = corvi.network.fc(made["maps"].permute(0, 2, 3, 1))[0, :, :, 0]
    assert_sample(places, golden["map"], 2e-4)
    assert golden["mean"] == pytest.approx(made["logit"].item(), abs=WITHIN)
    assert places.mean().item() == pytest.approx(golden["mean"], abs=WITHIN)


@torch.no_grad()
def test_double_precision_leaves_no_difference(corvi: Corvi) -> None:
    exact = corvi.network.double()
    logit = whole_logit(exact, corvi.prepare(picture("rgb180x200"))[None].double()).item()
    strip = corvi.prepare(picture("rgb384x512"))[None, :, :203, :16].double()
    whole, bands = whole_logit(exact, strip).item(), whole_logit(exact, strip, largest=16 * 72).item()
    corvi.network.float()
    assert logit == pytest.approx(WRONG["float64 of the right one"], abs=1e-9)
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
def test_the_logit_of_tiles_is_weighed_by_their_areas(
    corvi: Corvi, seen: dict[str, dict[str, Tensor]]
) -> None:
    golden = GOLDEN["gandetection_tiled_with_limit150_slide100"]["rgb180x200"]
    cut = tiles(seen["rgb180x200"]["input"], above=150, side=100)
    assert [list(tile.shape[-2:]) for tile in cut] == [size for size, _ in golden["tiles"]]
    assert average_logit(corvi.network, cut).item() == pytest.approx(golden["logit"], abs=WITHIN)
    assert golden["logit"] != pytest.approx(GOLDEN["gandetection_whole"]["rgb180x200"], abs=0.1)


# --- What other harnesses do


@contextmanager
def strides(network: nn.Module, first: int, pool: int) -> Iterator[None]:
    network.conv1.stride, network.maxpool.stride = (first, first), pool
    yield
    network.conv1.stride, network.maxpool.stride = (1, 1), 1


@torch.no_grad()
def test_the_ordinary_resnet_50_takes_the_file_and_gives_another_logit(
    corvi: Corvi, seen: dict[str, dict[str, Tensor]]
) -> None:
    ordinary = resnet_50()
    ordinary.load_state_dict(corvi.network.state_dict(), strict=True)
    logit = ordinary.eval()(seen["rgb180x200"]["input"]).item()
    assert_wrong(logit, "ordinary ResNet-50 strides (same keys load without complaint)")
    with strides(corvi.network, 2, 1):
        logit = corvi.logit(seen["rgb180x200"]["input"]).item()
    assert_wrong(logit, "stride 2 in conv1, 1 in the max pool")


@torch.no_grad()
@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("CenterCrop224 (zero pad before normalisation)", Preprocess(IMAGENET, crop=224)),
        ("CLIP mean/std", Preprocess(CLIP)),
        ("no mean/std", Preprocess(PLAIN)),
    ],
)
def test_another_input_gives_another_logit(corvi: Corvi, what: str, wrong: Preprocess) -> None:
    assert_wrong(corvi.logit(wrong(picture("rgb180x200"))[None]).item(), what)


def test_another_reading_of_the_places_gives_another_score(
    corvi: Corvi, seen: dict[str, dict[str, Tensor]]
) -> None:
    made = seen["rgb180x200"]
    places = corvi.network.fc(made["maps"].permute(0, 2, 3, 1))
    assert_wrong(places.max().item(), "max of the map instead of the mean")
    assert_wrong(places.sigmoid().mean().item(), "sigmoid of each position, then mean")


def assert_wrong(found: float, what: str) -> None:
    assert found == pytest.approx(WRONG[what], abs=WITHIN)
    assert found != pytest.approx(GOLDEN["images"]["rgb180x200"]["logit"], abs=0.01)
