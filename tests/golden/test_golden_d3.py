"""D3 against the official code: its order of tiles, both passes, and the attention between them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from huggingface import tiny_tower
from torch import Tensor, nn

from forenbench.detectors._nets import tile_shuffling
from forenbench.detectors._nets.encoders import CLIP_TAPS, FrozenEncoder
from forenbench.detectors._nets.pixels import CLIP, Preprocess
from forenbench.detectors._nets.tile_shuffling import ORDER, PairEncoder, shuffled
from forenbench.detectors.d3 import D3, HEAD, INPUTS, PairAttention, PairDetector
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import Weights, WrongWeights

CUT = modern("d3")
GOLDEN = CUT["golden"]
IMAGES, ORDERS = GOLDEN["images"], GOLDEN["permutation"]
WITHIN = card("d3").within
ENCODED = {"squash": "rgb301x257", "crop": "rgb256a"}


def test_the_order_of_tiles_is_that_of_the_golden_numbers() -> None:
    assert list(ORDER) == ORDERS["torch_manual_seed_418"]


@pytest.mark.parametrize("name", IMAGES)
def test_both_inputs_are_the_official_ones(name: str) -> None:
    image, _, variant = name.partition(":")
    prepared = INPUTS[variant](picture(image))
    assert_sample(prepared, IMAGES[name]["input"], 1e-6)
    assert_sample(shuffled(prepared[None])[0], IMAGES[name]["shuffled_input"], 1e-6)


def test_every_picture_of_a_batch_is_shuffled_alike() -> None:
    batch = torch.rand(3, 3, 224, 224)
    together = shuffled(batch)
    assert all(torch.equal(shuffled(one[None])[0], ours) for one, ours in zip(batch, together, strict=True))
    # Tiles are numbered row by row, sixteen a row.
    first = ORDER[0]
    row, column = 14 * (first // 16), 14 * (first % 16)
    assert torch.equal(together[..., :14, :14], batch[..., row : row + 14, column : column + 14])


@pytest.fixture(scope="module")
def head_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = he_weights(shapes_of(HEAD.build()))
    assert keys_sha256([(key, tuple(value.shape)) for key, value in state.items()]) == CUT["keys"]
    assert sha256_of_weights(state) == GOLDEN["head_weights_sha256"]
    path = tmp_path_factory.mktemp("d3") / "classifier.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def detectors(head_file: Path, vit_l14_file: Path) -> dict[str, PairDetector]:
    weights = Weights(paths={"d3": head_file, "clip-vit-l14": vit_l14_file}, unverified=True)
    return {variant: D3(variant, weights) for variant in D3.variants["published"]}


def wrong_logits(head: PairAttention, features: Tensor) -> dict[str, float]:
    """Make the mistakes on the features of one picture (1, 2, width)."""
    query, key, value = head.query(features), head.key(features), head.value(features)
    over_keys = (query @ key.mT / 32).softmax(2) @ value
    return {
        "WRONG_softmax_dim2_logit": head.fc(over_keys.flatten(1)).item(),
        "WRONG_original_first_logit": head(features.flip(1)).item(),
        "WRONG_no_shuffle_logit": head(features[:, [1, 1]]).item(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("variant", ENCODED)
@torch.no_grad()
def test_logits_are_the_official_ones_and_wrong_ones_differ(
    variant: str, detectors: dict[str, PairDetector]
) -> None:
    one, golden = detectors[variant], IMAGES[f"{ENCODED[variant]}:{variant}"]
    features = one.encoder.encode(one.prepare(picture(ENCODED[variant]))[None])
    assert_sample(features[0, 0], golden["ln_post_shuffled"], 1e-3)
    assert_sample(features[0, 1], golden["ln_post_original"], 1e-3)
    scores = one.head.query(features) @ one.head.key(features).mT / 32
    assert scores.flatten().tolist() == pytest.approx(golden["attention_before_softmax"], abs=WITHIN)
    assert scores.softmax(1).flatten().tolist() == pytest.approx(golden["attention_softmax_dim1"], abs=WITHIN)
    right = one.logit(features).item()
    assert right == pytest.approx(golden["logit"], abs=WITHIN, rel=0)
    for mistake, logit in wrong_logits(one.head, features).items():
        assert logit == pytest.approx(golden[mistake], abs=WITHIN, rel=0)
        assert abs(logit - right) > 50 * WITHIN


def test_another_order_of_tiles_is_told_from_the_official_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_shuffling, "ORDER", tuple(ORDERS["torch_manual_seed_0"]))
    golden = IMAGES["rgb256a:crop"]
    other = shuffled(INPUTS["crop"](picture("rgb256a"))[None])[0]
    logits = golden["logit_with_seed_0"], golden["logit"]
    assert_told_apart(other, golden["shuffled_input"], logits, WITHIN)


@pytest.mark.slow
def test_both_variants_share_the_tower_and_say_what_their_features_are(
    detectors: dict[str, PairDetector], monkeypatch: pytest.MonkeyPatch
) -> None:
    squash, crop = (detectors[variant].encoder for variant in ("squash", "crop"))
    assert squash.tower is crop.tower
    assert squash.identity != crop.identity
    assert squash.identity.startswith("clip-vit-l14")
    files = {"clip-vit-l14": "0123"}
    before = PairEncoder(crop.tower, INPUTS["crop"], files).identity
    assert "0123" in before
    monkeypatch.setattr(tile_shuffling, "ORDER", tuple(reversed(ORDER)))
    assert PairEncoder(crop.tower, INPUTS["crop"], files).identity != before


def filled(network: nn.Module) -> nn.Module:
    network.load_state_dict(he_weights(shapes_of(network)))
    return network.eval()


@pytest.mark.slow
def test_contract() -> None:
    prepare = Preprocess(CLIP, resize=224)
    tower = FrozenEncoder(filled(tiny_tower()), prepare, 16, taps=CLIP_TAPS)
    detector = PairDetector("d3:tiny", PairEncoder(tower, prepare), filled(PairAttention(32)))
    results = {result.check: result.problem for result in check_detector(detector)}
    assert results == dict.fromkeys(CHECKS, "")


def test_a_file_that_is_no_such_head_is_refused(head_file: Path, tmp_path: Path) -> None:
    state = torch.load(head_file)
    del state["value.bias"]
    torch.save(state, tmp_path / "lacking.pth")
    with pytest.raises(WrongWeights, match=r"'value.bias' is missing"):
        HEAD.load(Weights(paths={"d3": tmp_path / "lacking.pth"}, unverified=True))
