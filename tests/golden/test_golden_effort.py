"""Effort against the official code: two families of files, their inputs, features and logits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from huggingface import State, huggingface_tower, tiny_tower
from PIL import Image
from published_keys import flat, published_keys
from torch import Tensor

from forenbench.detectors._nets.huggingface_clip import ClipClassifier
from forenbench.detectors._nets.pixels import CLIP, Preprocess, Tiled
from forenbench.detectors.effort import Effort, EffortOfDeepfakeBench, EffortOfOjha
from forenbench.errors import BenchError
from forenbench.testing import CHECKS, check_detector
from forenbench.weights import Weights, WrongWeights

CUT = modern("effort")
GOLDEN = CUT["golden"]
A, B, CUBIC = (GOLDEN[part] for part in ("family_a", "family_b", "family_b_benchmark_cubic"))
WRONG_A, WRONG_B = GOLDEN["wrong_variants"]["family_a"], GOLDEN["wrong_variants"]["family_b"]["rgb384x512"]
WITHIN = card("effort").within
TOWERS = {"ufd": "model.vision_model.", "dfb": "backbone."}
HEADS = {"ufd": ("fc", 1), "dfb": ("head", 2)}


def residuals(tower: Mapping[str, Tensor]) -> State:
    """Draw what was learnt in each matrix of the attention, in the order in which it is saved."""
    blocks, width = sum(key.endswith(".ln_1.weight") for key in tower), tower["class_embedding"].shape[0]
    sizes = {"S": (1,), "U": (width, 1), "V": (1, width)}
    shapes = [
        (f"vision_model.encoder.layers.{n}.self_attn.{matrix}_proj.{letter}_residual", size)
        for n in range(blocks)
        for matrix in ("k", "v", "q", "out")
        for letter, size in sizes.items()
    ]
    if blocks == 24:  # not the tiny tower's
        assert keys_sha256(shapes) == CUT["keys_residual"]
    rules = {"S_residual": lambda z: 4 + z, "U_residual": lambda z: z / 32, "V_residual": lambda z: z / 32}
    return he_weights(shapes, rules)


def as_published(family: str, tower: Mapping[str, Tensor]) -> State:
    """Give a file's state dict: the tower, what it learnt, and a head, by formula."""
    prefix, (head, classes) = TOWERS[family], HEADS[family]
    state = huggingface_tower(tower, prefix)
    for key in [key for key in state if "self_attn" in key and key.endswith(".weight")]:
        state[f"{key}_main"] = state.pop(key)
    learnt = {prefix + key.removeprefix("vision_model."): one for key, one in residuals(tower).items()}
    width = tower["class_embedding"].shape[0]
    layer = he_weights([(f"{head}.weight", (classes, width)), (f"{head}.bias", (classes,))])
    return state | learnt | layer


def loaded(family: str, content: Mapping[str, object], path: Path) -> Weights:
    torch.save(content, path)
    return Weights(paths={f"effort-{family}": path}, unverified=True)


def whole(family: str, tower: State) -> State:
    """Add what is in the file besides and makes no score, as zeros that take no room."""
    state = as_published(family, tower)
    learnt = {key: one for key, one in state.items() if key.endswith("_residual")}
    head = {key: one for key, one in state.items() if key.startswith(("fc.", "head."))}
    assert sha256_of_weights(learnt) == GOLDEN["residual_sha256"]
    assert sha256_of_weights(head) == GOLDEN["head_a_sha256" if family == "ufd" else "head_b_sha256"]
    listed = published_keys()[f"effort-{family}"]
    full = {key: torch.zeros(()).expand(shape) for key, shape in listed.items()} | state
    assert {key: tuple(value.shape) for key, value in full.items()} == listed
    return full


@pytest.fixture(scope="module")
def ufd(vit_l14: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EffortOfOjha]:
    path = tmp_path_factory.mktemp("ufd") / "effort_clip_L14_trainOn_UniversalFakeDetect.pth"
    content = {"model": whole("ufd", vit_l14), "optimizer": {}, "total_steps": 18000}
    made = Effort("ufd", loaded("ufd", content, path))
    assert isinstance(made, EffortOfOjha)
    yield made
    path.unlink()


@pytest.fixture(scope="module")
def dfb(ufd: EffortOfOjha, vit_l14: State) -> EffortOfDeepfakeBench:
    """Put the second family's head on the first one's tower, with which its file would be filled, too."""
    state = whole("dfb", vit_l14)
    network = ClipClassifier(2, tower=lambda: ufd.network.visual)
    network.fc.load_state_dict({"weight": state["head.weight"], "bias": state["head.bias"]})
    return EffortOfDeepfakeBench("dfb", (), network)


@pytest.mark.parametrize(("golden", "prepare"), [
    (A, EffortOfOjha.prepare),
    (B, EffortOfDeepfakeBench("dfb", (), torch.nn.Identity()).prepare),
    (CUBIC, EffortOfDeepfakeBench("dfb-cubic", (), torch.nn.Identity()).prepare),
], ids=["ufd", "dfb", "dfb-cubic"])  # fmt: skip
def test_input_is_the_official_one(golden: dict[str, Any], prepare: Callable[[Image.Image], Tensor]) -> None:
    for name, numbers in golden.items():
        assert_sample(prepare(picture(name)), numbers["input"], 1e-6)


def test_without_opencv_the_second_family_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(BenchError, match=r"pip install 'forenbench\[opencv\]'"):
        EffortOfDeepfakeBench("dfb", (), torch.nn.Identity())


def near(numbers: list[Any]) -> object:
    return pytest.approx(numbers, abs=WITHIN, rel=0)


@pytest.mark.slow
@torch.no_grad()
def test_the_first_family_gives_the_official_features_and_logit(ufd: EffortOfOjha) -> None:
    features = ufd.network.visual(ufd.prepare(picture("rgb180x200"))[None])
    assert_sample(features[0], A["rgb180x200"]["pooler1024"], 1e-3)
    assert ufd.network.fc(features)[0].item() == near(A["rgb180x200"]["logit"])


def test_the_first_family_tiles_what_is_smaller_than_256_and_resizes_nothing() -> None:
    small, square = picture("rgb180x200"), picture("rgb224")
    for name, mistake, tensor in (
        ("rgb180x200", "zero_pad_centre_crop", Preprocess(CLIP, crop=224)(small)),
        ("rgb180x200", "resize256", Preprocess(CLIP, resize=256, crop=224)(small)),
        ("rgb224", "tile_below_224_instead_of_256", Tiled(224, Preprocess(CLIP, crop=224))(square)),
    ):
        logits = WRONG_A[name][mistake], A[name]["logit"]
        assert_told_apart(tensor, A[name]["input"], logits, WITHIN)


@pytest.mark.slow
@torch.no_grad()
def test_without_what_it_learnt_it_would_run_and_give_other_logits(ufd: EffortOfOjha, vit_l14: State) -> None:
    kept = ufd.network.state_dict()
    fixed = {f"visual.{key}": value for key, value in vit_l14.items() if key != "proj"}
    ufd.network.load_state_dict(kept | fixed, assign=True)
    logit = ufd.logit(ufd.prepare(picture("rgb256a"))[None])
    ufd.network.load_state_dict(kept, assign=True)
    assert logit.item() == near(WRONG_A["rgb256a"]["residual_ignored"])
    assert abs(logit.item() - A["rgb256a"]["logit"]) > 0.5


@pytest.mark.slow
@torch.no_grad()
def test_the_second_family_gives_the_official_features_and_logits(dfb: EffortOfDeepfakeBench) -> None:
    """Of one picture as it is read by default, and of another read with the cubic filter."""
    features = dfb.network.visual(dfb.prepare(picture("rgb384x512"))[None])
    assert_sample(features[0], B["rgb384x512"]["pooler1024"], 1e-3)
    assert dfb.network.fc(features)[0].tolist() == near(B["rgb384x512"]["logits"])
    cubic = EffortOfDeepfakeBench("dfb-cubic", (), dfb.network)
    score = cubic.score(cubic.prepare(picture("rgb180x200"))[None])
    assert score.item() == near(CUBIC["rgb180x200"]["prob_fake"])


def test_the_second_family_resizes_without_smoothing_and_keeps_red_red() -> None:
    image, right = picture("rgb384x512"), B["rgb384x512"]
    prepare = EffortOfDeepfakeBench("dfb", (), torch.nn.Identity()).prepare
    for mistake, tensor in (
        ("pillow_bilinear_antialias", Preprocess(CLIP, resize=224)(image)),
        ("centre_crop", Preprocess(CLIP, crop=224)(image)),
        ("bgr", prepare(Image.merge("RGB", image.split()[::-1]))),
    ):
        logits = WRONG_B[mistake][1], right["logits"][1]
        assert_told_apart(tensor, right["input"], logits, WITHIN)
    assert abs(CUBIC["rgb384x512"]["logits"][1] - right["logits"][1]) > 10 * WITHIN


def tiny_file(family: str) -> State:
    return as_published(family, he_weights(shapes_of(tiny_tower())))


@pytest.mark.slow
@pytest.mark.parametrize("family", TOWERS)
def test_contract(family: str, tmp_path: Path) -> None:
    detector = Effort(family, loaded(family, tiny_file(family), tmp_path / "tiny.pth"), tiny_tower)
    results = {result.check: result.problem for result in check_detector(detector)}
    assert results == dict.fromkeys(CHECKS, "")


def test_files_of_both_families_fill_one_tower_whatever_else_is_in_them(tmp_path: Path) -> None:
    text = {"model.text_model.any": torch.zeros(3), "model.logit_scale": torch.zeros(())}
    stem = "backbone.encoder.layers.0.self_attn.k_proj"
    singular = {f"{stem}.S_r": torch.zeros(31), f"{stem}.U_r": torch.zeros(32, 31)}
    numbers = {"backbone.embeddings.position_ids": torch.arange(257)[None]}
    contents = {"ufd": {"model": tiny_file("ufd") | text}, "dfb": tiny_file("dfb") | singular | numbers}
    first, second = (
        Effort(family, loaded(family, content, tmp_path / family), tiny_tower).network.visual.state_dict()
        for family, content in contents.items()
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(second[key], value) for key, value in first.items())


@pytest.mark.slow
def test_the_released_files_have_a_prefix_before_every_key_which_is_told(tmp_path: Path) -> None:
    content = {f"module.{key}": value for key, value in flat("effort-dfb").items()}
    weights = loaded("dfb", {"state_dict": content}, tmp_path / "effort_clip_L14_trainOn_sdv14.pth")
    with weights.recording() as used:
        made = Effort("dfb", weights)
    assert made.network.fc.weight[0, 0] == content["module.head.weight"][0, 0]
    assert "without 'module.' before every key" in weights.remarks(used)[0]


@pytest.mark.parametrize(("family", "other"), [("ufd", "dfb"), ("dfb", "ufd")])
def test_a_file_of_the_other_family_is_refused_by_its_name(family: str, other: str, tmp_path: Path) -> None:
    """Also where DeepfakeBench's keys have 'module.' before them."""
    flat = {key: torch.zeros(()).expand(shape) for key, shape in published_keys()[f"effort-{other}"].items()}
    for prefix in ("", "module."):
        content = {prefix + key: value for key, value in flat.items()}
        with pytest.raises(WrongWeights, match=rf"it seems to be weights 'effort-{other}' \("):
            Effort(family, loaded(family, content, tmp_path / "other.pth"))


def test_a_family_renamed_into_the_other_is_refused(tmp_path: Path) -> None:
    """Users did so (and set two classes): it ran, and told little apart."""
    renamed = {
        key.replace("backbone.", "model.vision_model.").replace("head.", "fc."): value
        for key, value in tiny_file("dfb").items()
    }
    with pytest.raises(WrongWeights, match=r"'fc.weight' has shape \(2, 32\), expected \(1, 32\)"):
        Effort("ufd", loaded("ufd", renamed, tmp_path / "renamed.pth"), tiny_tower)


@pytest.mark.parametrize("letter", ["S", "U", "V"])
def test_a_file_that_lacks_what_was_learnt_is_refused(letter: str, tmp_path: Path) -> None:
    lacking = tiny_file("dfb")
    del lacking[f"backbone.encoder.layers.1.self_attn.out_proj.{letter}_residual"]
    with pytest.raises(
        WrongWeights, match=r"'visual.transformer.resblocks.1.attn.out_proj.weight' is missing"
    ):
        Effort("dfb", loaded("dfb", lacking, tmp_path / "lacking.pth"), tiny_tower)


def test_clip_without_residuals_is_refused(tmp_path: Path) -> None:
    plain = huggingface_tower(he_weights(shapes_of(tiny_tower())), "backbone.")
    head = {key: value for key, value in tiny_file("dfb").items() if key.startswith("head.")}
    with pytest.raises(WrongWeights, match="is missing"):
        Effort("dfb", loaded("dfb", plain | head, tmp_path / "plain.pth"), tiny_tower)
