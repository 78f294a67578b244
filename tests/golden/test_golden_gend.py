"""GenD against the official code: its input, features, and both of its heads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, outputs_of, picture
from huggingface import State, huggingface_tower, tiny_tower
from safetensors.torch import save_file

from forenbench.detectors._nets.pixels import CLIP, Preprocess
from forenbench.detectors.gend import GenD
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import Weights

GOLDEN, KEYS = modern("gend")["golden"], modern("gend")["keys"]
IMAGES, WRONG = GOLDEN["images"], GOLDEN["wrong_variants"]["rgb384x512"]
WITHIN = card("gend").within
# Logits of unit features are thirty times as small, and are held as much closer.
OFF = {"linear": WITHIN, "LinearNorm": WITHIN / 30}


def as_published(tower: State) -> State:
    """Give the file's entries, with a head by formula."""
    width = tower["class_embedding"].shape[0]
    head = he_weights([("model.linear.weight", (2, width)), ("model.linear.bias", (2,))])
    projection = {"feature_extractor.visual_projection.weight": tower["proj"].T.contiguous()}
    return huggingface_tower(tower, "feature_extractor.vision_model.") | projection | head


def loaded(state: State, path: Path) -> Weights:
    save_file({key: value.contiguous() for key, value in state.items()}, path)
    return Weights(paths={"gend-clip": path}, unverified=True)


@pytest.mark.parametrize("name", IMAGES)
def test_input_is_the_official_one(name: str) -> None:
    assert_sample(GenD.prepare(picture(name)), IMAGES[name]["input"], 1e-6)


def test_the_corner_of_the_crop_is_rounded_down() -> None:
    """Not half to even, as torchvision rounds: other pixels where a margin is 3 above a multiple of 4."""
    image = picture("rgb224").resize((227, 224))
    half_to_even = Preprocess(CLIP, crop=224)(image)
    assert torch.equal(GenD.prepare(image), Preprocess(CLIP)(image)[:, :, 1:225])
    assert torch.equal(half_to_even, Preprocess(CLIP)(image)[:, :, 2:226])


@pytest.fixture(scope="module")
def detector(vit_l14: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenD]:
    state = as_published(vit_l14)
    assert keys_sha256([(key, tuple(value.shape)) for key, value in state.items()]) == KEYS
    head = {key: state[key] for key in ("model.linear.weight", "model.linear.bias")}
    assert sha256_of_weights(head) == GOLDEN["head_weights_sha256"]
    path = tmp_path_factory.mktemp("gend") / "model.safetensors"
    yield GenD("clip-norm", loaded(state, path))
    path.unlink()


@pytest.mark.slow
@torch.no_grad()
def test_logits_of_both_heads_are_the_official_ones(detector: GenD) -> None:
    names = ("rgb384x512", "rgb180x200")
    with outputs_of(detector.network.visual) as seen:
        scores = detector.score(torch.stack([detector.prepare(picture(name)) for name in names]))
    (features,) = seen
    for name, one in zip(names, features, strict=True):
        assert_sample(one, IMAGES[name]["pooler1024"], 1e-3)
    for head, read in (("linear", features), ("LinearNorm", features / features.norm(dim=1, keepdim=True))):
        for name, mine in zip(names, detector.network.fc(read).tolist(), strict=True):
            assert mine == pytest.approx(IMAGES[name][head]["logits"], abs=OFF[head], rel=0)
    official = [IMAGES[name]["LinearNorm"]["softmax_1"] for name in names]
    assert scores.tolist() == pytest.approx(official, abs=1e-5)


@pytest.mark.parametrize("head", OFF)
def test_a_bilinear_filter_is_told_from_the_bicubic_one(head: str) -> None:
    right = IMAGES["rgb384x512"]
    bilinear = Preprocess(CLIP, resize=224, crop=224, squash=False)(picture("rgb384x512"))
    logits = WRONG["bilinear_instead_of_bicubic"][head][1], right[head]["logits"][1]
    assert_told_apart(bilinear, right["input"], logits, OFF[head])


def tiny(variant: str, folder: Path) -> GenD:
    file = as_published(he_weights(shapes_of(tiny_tower())))
    return GenD(variant, loaded(file, folder / "tiny.safetensors"), tiny_tower)


@torch.no_grad()
def test_the_variants_differ_in_the_length_of_their_features(tmp_path: Path) -> None:
    norm, linear = (tiny(variant, tmp_path) for variant in ("clip-norm", "clip-linear"))
    batch = GenD.prepare(picture("rgb256a"))[None]
    features = linear.network.visual(batch)
    fc = linear.network.fc
    assert linear.score(batch).item() == pytest.approx(fc(features).softmax(1)[0, 1].item(), abs=1e-6)
    expected = fc(features / features.norm()).softmax(1)[0, 1].item()
    assert norm.score(batch).item() == pytest.approx(expected, abs=1e-6)
    assert norm.score(batch).item() != pytest.approx(linear.score(batch).item(), abs=1e-3)


@pytest.mark.slow
def test_contract(tmp_path: Path) -> None:
    results = {result.check: result.problem for result in check_detector(tiny("clip-norm", tmp_path))}
    assert results == dict.fromkeys(CHECKS, "")
