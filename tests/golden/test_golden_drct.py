"""DRCT against the official code: what becomes of a picture, and both of its networks, on formula weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from PIL import Image
from published_keys import published_keys
from torch import Tensor

from forenbench.detectors._nets.pixels import AIGCDETECT, CLIP, IMAGENET, Preprocess
from forenbench.detectors.drct import DRCT
from forenbench.weights import Weights, WrongWeights

GOLDEN = modern("drct")
WITHIN = card("drct").within
HEAD = [
    ("model.fc.weight", (1024, 768)),
    ("model.fc.bias", (1024,)),
    ("fc.weight", (2, 1024)),
    ("fc.bias", (2,)),
]
STAGES = ("stem", "stages.0", "stages.1", "stages.2", "stages.3")

pytestmark = pytest.mark.slow


def opened(name: str) -> Image.Image:
    """Return a formula picture, or the piece of one that has odd margins around its crop."""
    return picture("rgb384x512").crop((0, 0, 259, 303)) if name == "odd303x259" else picture(name)


def loaded(variant: str, state: dict[str, Tensor], folder: Path) -> DRCT:
    """Load a detector from a file as the authors publish it."""
    path = folder / "best.pth"
    torch.save(state, path)
    detector = DRCT(variant, Weights(paths={f"drct-{variant}": path}, unverified=True))
    path.unlink()
    return detector


@pytest.fixture(scope="module")
def convnext(tmp_path_factory: pytest.TempPathFactory) -> DRCT:
    shapes = in_official_order()
    assert keys_sha256(shapes) == GOLDEN["keys_convnext"]
    state = he_weights(shapes, {"gamma": lambda z: 0.25 * (1 + 0.1 * z)})
    assert sha256_of_weights(state) == GOLDEN["golden_convnext"]["weights_sha256"]
    return loaded("convnext-sd14", state, tmp_path_factory.mktemp("convnext"))


def in_official_order() -> list[tuple[str, tuple[int, ...]]]:
    """List the published entries as the official module has them: stage after stage, block after block."""
    listed = published_keys()["drct-convnext-sd14"]
    with torch.device("meta"):
        from timm import create_model

        order = [f"model.{key}" for key in create_model("convnext_base").state_dict()]
    return [(key, listed[key]) for key in [*order, "fc.weight", "fc.bias"]]


@pytest.fixture(scope="module")
def clip(vit_l14: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> DRCT:
    head = he_weights(HEAD)
    assert keys_sha256(HEAD) == GOLDEN["keys_clip_heads"]
    assert sha256_of_weights(head) == GOLDEN["golden_clip"]["head_weights_sha256"]
    listed = published_keys()["drct-clip-sd14"]
    text = {key: torch.zeros(()).expand(shape) for key, shape in listed.items() if ".visual." not in key}
    state = text | {f"model.model.visual.{key}": value for key, value in vit_l14.items()} | head
    assert state.keys() == listed.keys()
    return loaded("clip-sd14", state, tmp_path_factory.mktemp("clip"))


@pytest.mark.parametrize("name", GOLDEN["golden_convnext"]["images"])
def test_input_is_the_official_one(name: str) -> None:
    """Albumentations multiplies by a reciprocal where torchvision divides: an ulp or two."""
    golden = GOLDEN["golden_convnext"]["images"][name]["input"]
    assert_sample(DRCT.prepare(opened(name)), golden, within=2e-6)


@torch.no_grad()
def test_convnext_gives_the_official_logits_by_way_of_the_official_maps(convnext: DRCT) -> None:
    names = ("rgb301x257", "odd303x259", "gray256")
    maps: dict[str, Tensor] = {}
    trunk = convnext.network.model
    for stage in STAGES:
        trunk.get_submodule(stage).register_forward_hook(keep(maps, stage.replace("s.", "")))
    trunk.register_forward_hook(keep(maps, "embedding1024"))
    scores = convnext.score(torch.stack([DRCT.prepare(opened(name)) for name in names]))
    logits = convnext.network.fc(maps["embedding1024"])
    for place, name in enumerate(names):
        golden = GOLDEN["golden_convnext"]["images"][name]
        for stage, values in maps.items():
            assert_sample(values[place], golden[stage], within=2e-4)
        assert logits[place].tolist() == pytest.approx(golden["logits"], abs=WITHIN / 10)
        assert scores[place].item() == pytest.approx(golden["score_1_minus_p0"], abs=WITHIN / 10)


def keep(maps: dict[str, Tensor], name: str) -> Callable[..., None]:
    def hook(_module: torch.nn.Module, _images: tuple[Tensor], output: Tensor) -> None:
        maps[name] = output

    return hook


@torch.no_grad()
def test_convnext_gives_the_official_logits_in_double_precision(convnext: DRCT) -> None:
    """timm 0.6.12's `convnext_base_in22k` was their network; float32 is off by rounding alone."""
    # To the last digit on the input of albumentations only, which multiplies by a reciprocal.
    mean, deviation = (np.array(values, np.float32) * 255 for values in IMAGENET)
    pixels = np.asarray(DRCT.prepare.pixels(picture("rgb256a")), np.float32)
    batch = torch.from_numpy((pixels - mean) * np.reciprocal(deviation)).permute(2, 0, 1)[None]
    exact = convnext.network.double()(batch.double())
    convnext.network.float()
    golden = GOLDEN["golden_convnext"]["float64"]["rgb256a"]["logits"]
    assert exact[0].tolist() == pytest.approx(golden, abs=1e-9)


WRONG: dict[str, Callable[[Image.Image], Tensor]] = {
    "torchvision_centre_crop_imagenet": Preprocess(IMAGENET, crop=224),
    "clip_mean_std": Preprocess(CLIP, crop=224),
    "resize256_then_crop": AIGCDETECT,
    "squash224": Preprocess(IMAGENET, resize=224),
    "bgr": lambda image: DRCT.prepare(image).flip(0),
}


@pytest.mark.parametrize(("name", "mistake"), [
    *(("odd303x259", mistake) for mistake in WRONG if mistake != "clip_mean_std"),  # not run on this one
    *(("rgb384x512", mistake) for mistake in WRONG),
])  # fmt: skip
def test_another_input_is_told_from_the_official_one(name: str, mistake: str) -> None:
    convnext, clip = GOLDEN["golden_convnext"], GOLDEN["golden_clip"]
    tensor, right = WRONG[mistake](opened(name)), convnext["images"][name]["input"]
    if mistake.startswith("torchvision") and name == "rgb384x512":
        # Its crop differs where the margin is 3 more than a multiple of 4, and there alone.
        assert_sample(tensor, right, within=2e-6)
        return
    networks = [(convnext, WITHIN / 10)]
    if mistake in clip["wrong_variants"].get(name, ()):
        networks.append((clip, WITHIN))
    for golden, within in networks:
        wrong = golden["wrong_variants"][name][mistake]["logits"][1]
        assert_told_apart(tensor, right, (wrong, golden["images"][name]["logits"][1]), within)


@torch.no_grad()
def test_clip_gives_the_official_logits_with_imagenets_statistics(clip: DRCT) -> None:
    golden, names = GOLDEN["golden_clip"]["images"], ("rgb180x200", "rgb384x512")
    inputs = [DRCT.prepare(opened(name)) for name in names]
    embeddings = clip.network.model(torch.stack(inputs))
    logits = clip.network.fc(embeddings)
    for place, name in enumerate(names):
        assert_sample(inputs[place], golden[name]["input"], within=2e-6)
        assert_sample(embeddings[place], golden[name]["embedding1024"], within=1e-3)
        assert logits[place].tolist() == pytest.approx(golden[name]["logits"], abs=WITHIN)


def test_a_file_of_the_other_backbone_is_named(tmp_path: Path) -> None:
    shapes = published_keys()["drct-convnext-sd14"]
    torch.save({key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}, tmp_path / "it.pth")
    weights = Weights(paths={"drct-clip-sd14": tmp_path / "it.pth"}, unverified=True)
    with pytest.raises(WrongWeights, match="seems to be weights 'drct-convnext"):
        DRCT("clip-sd14", weights)
