"""C2P-CLIP against the official code: its file's names, its input, features and logits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, outputs_of, picture
from huggingface import State, huggingface_tower, tiny_tower
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional

from forenbench.detectors._nets.encoders import CLIP_VIT_L14
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess
from forenbench.detectors.c2p_clip import C2PClip
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import Weights, WrongWeights

GOLDEN, KEYS = modern("c2p_clip")["golden"], modern("c2p_clip")["keys"]
IMAGES = GOLDEN["images"]
WRONG = GOLDEN["wrong_variants"]["rgb384x512"]
WITHIN = card("c2p-clip").within


def as_published(tower: State) -> State:
    """Give the file's entries, with a head by formula."""
    head = he_weights([("model.fc.weight", (1, tower["proj"].shape[1])), ("model.fc.bias", (1,))])
    state = huggingface_tower(tower, "model.vision_model.")
    return {**state, "model.visual_projection.weight": tower["proj"].T, **head}


def loaded(state: State, path: Path) -> Weights:
    torch.save(state, path)
    return Weights(paths={"c2p-clip": path}, unverified=True, known=(CLIP_VIT_L14,))


@pytest.mark.parametrize("name", IMAGES)
def test_input_is_the_official_one(name: str) -> None:
    assert_sample(C2PClip.prepare(picture(name)), IMAGES[name]["input"], 1e-6)


@pytest.fixture(scope="module")
def detector(vit_l14: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[C2PClip]:
    state = as_published(vit_l14)
    assert keys_sha256([(key, tuple(value.shape)) for key, value in state.items()]) == KEYS
    head = {key: state[key] for key in ("model.fc.weight", "model.fc.bias")}
    assert sha256_of_weights(head) == GOLDEN["head_weights_sha256"]
    path = tmp_path_factory.mktemp("c2p-clip") / "C2P_CLIP_release_20240901.zip"
    yield C2PClip("published", loaded(state, path))
    path.unlink()


def resized_as_tensor(image: Image.Image) -> Tensor:
    """Scale floats without smoothing, which tensors were scaled with until torchvision 0.17."""
    plain = functional.resize(functional.to_tensor(image), 224, antialias=False)
    return functional.normalize(functional.center_crop(plain, 224), *CLIP)


@pytest.mark.slow
@torch.no_grad()
def test_features_and_logits_are_the_official_ones_of_unit_features(detector: C2PClip) -> None:
    names = ("rgb384x512", "rgb180x200")
    with outputs_of(detector.network.visual) as seen:
        logits = detector.logit(torch.stack([detector.prepare(picture(name)) for name in names]))
    (features,) = seen
    for name, one in zip(names, features, strict=True):
        assert_sample(one, IMAGES[name]["features768"], 1e-3)
        assert_sample(one / one.norm(), IMAGES[name]["normalised"], 1e-4)
    assert logits.tolist() == pytest.approx([IMAGES[name]["logit"] for name in names], abs=WITHIN, rel=0)
    without = detector.network.fc(features[0]).item()
    assert without == pytest.approx(WRONG["without_l2_norm"], abs=1e-4)


def test_other_inputs_are_told_from_the_official_one() -> None:
    large, right = picture("rgb384x512"), IMAGES["rgb384x512"]
    others = {
        "no_resize_centre_crop": Preprocess(CLIP, crop=224)(large),
        "tensor_resize_no_antialias": resized_as_tensor(large),
        "bicubic": Preprocess(CLIP, resize=224, crop=224, resample="bicubic", squash=False)(large),
        "squash_224": Preprocess(CLIP, resize=224)(large),
        "imagenet_mean_std": Preprocess(IMAGENET, resize=224, crop=224, squash=False)(large),
    }
    for mistake, tensor in others.items():
        assert_told_apart(tensor, right["input"], (WRONG[mistake], right["logit"]), WITHIN)


def tiny_file() -> State:
    return as_published(he_weights(shapes_of(tiny_tower())))


@pytest.mark.slow
def test_contract(tmp_path: Path) -> None:
    detector = C2PClip("published", loaded(tiny_file(), tmp_path / "tiny.pth"), tiny_tower)
    results = {result.check: result.problem for result in check_detector(detector)}
    assert results == dict.fromkeys(CHECKS, "")


def test_a_file_that_lacks_an_entry_or_is_openais_is_refused(tmp_path: Path) -> None:
    lacking = tiny_file()
    del lacking["model.vision_model.encoder.layers.1.self_attn.v_proj.weight"]
    with pytest.raises(
        WrongWeights, match=r"'visual.transformer.resblocks.1.attn.in_proj_weight' is missing"
    ):
        C2PClip("published", loaded(lacking, tmp_path / "lacking.pth"), tiny_tower)
    marks = {key: torch.zeros(shape) for key, shape in CLIP_VIT_L14.marks.items()}
    with pytest.raises(WrongWeights, match="seems to be weights 'clip-vit-l14'"):
        C2PClip("published", loaded(marks, tmp_path / "clip.pth"), tiny_tower)


def test_numbers_of_positions_which_older_files_have_are_left_aside(tmp_path: Path) -> None:
    older = tiny_file() | {"model.vision_model.embeddings.position_ids": torch.arange(257)[None]}
    assert C2PClip("published", loaded(older, tmp_path / "older.pth"), tiny_tower)
