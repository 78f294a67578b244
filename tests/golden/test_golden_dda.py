"""DDA against its official code: tokens and logits, and what others make of positions and adapters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from formula import he_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, modern, picture
from PIL import Image
from timm.layers import resample_abs_pos_embed
from torch import Tensor
from torchvision.transforms.functional import center_crop
from transformer_files import RULES, formula_weights, write_checkpoint

from forenbench.detectors._nets.adapted_dinov2 import AdaptedLinear, AdaptedTransformer
from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess, normalise
from forenbench.detectors.dda import DDA
from forenbench.testing import check_detector
from forenbench.weights import Weights, WrongWeights

GOLDEN = modern("dda")
IMAGES, WRONG = GOLDEN["golden"]["images"], GOLDEN["golden"]["wrong_variants"]
WITHIN = card("dda").within
pytestmark = pytest.mark.slow


class Tiny(DDA):
    """The detector on a transformer of one narrow layer."""

    build = partial(AdaptedTransformer, embed_dim=24, depth=1, num_heads=2)  # type: ignore[assignment]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> DDA:
    """Read from a file as it is published."""
    with torch.device("meta"):
        network = AdaptedTransformer()
    path = tmp_path_factory.mktemp("dda") / "DDA_ckpt.pth"
    write_checkpoint(path, formula_weights(network, GOLDEN))
    made = DDA("coco", Weights(paths={"dda": path}, unverified=True))
    path.unlink()
    return made


@torch.no_grad()
@pytest.mark.parametrize("name", IMAGES)
def test_tokens_are_the_official_ones(detector: DDA, name: str) -> None:
    golden, given = IMAGES[name], detector.prepare(picture(name))
    assert_sample(given, golden["input"], 1e-6)
    tokens = detector.network.tokens(given[None])
    assert_sample(tokens[0], golden["tokens_plus_pos"], 1e-5)
    first = detector.network.trunk.blocks[0]
    assert_sample(first(tokens)[0], golden["after_block0"], 2e-5)


@torch.no_grad()
def test_the_logit_is_the_official_one(detector: DDA) -> None:
    logit = detector.logit(detector.prepare(picture("rgb384x512"))[None])
    assert logit.item() == pytest.approx(IMAGES["rgb384x512"]["logit"], abs=WITHIN)


@pytest.mark.parametrize(("name", "mistake", "prepare"), [
    ("rgb384x512", "ImageNet mean/std", Preprocess(IMAGENET, crop=336)),
    ("rgb384x512", "CenterCrop 224 (16x16 grid)", Preprocess(CLIP, crop=224)),
    ("rgb384x512", "squash 336x336", Preprocess(CLIP, resize=336)),
    ("rgb384x512", "red and blue swapped", lambda image: normalise(DDA.prepare.levels(image).flip(0), CLIP)),
    (
        *("rgb301x257", "resize short side 336 then centre crop"),
        Preprocess(CLIP, resize=336, crop=336, squash=False),
    ),
    (
        *("rgb301x257", "zero padding after normalisation (grey mean border)"),
        lambda image: center_crop(Preprocess(CLIP)(image), [336, 336]),
    ),
])  # fmt: skip
def test_another_input_is_told_from_the_official_one(
    name: str, mistake: str, prepare: Callable[[Image.Image], Tensor]
) -> None:
    logits = WRONG[name][mistake], IMAGES[name]["logit"]
    assert_told_apart(prepare(picture(name)), IMAGES[name]["input"], logits, WITHIN)


@torch.no_grad()
def test_the_network_is_the_official_one_in_double_precision(detector: DDA) -> None:
    detector.network.double()
    logit = detector.logit(detector.prepare(picture("jpeg256"))[None].double())
    detector.network.float()
    assert logit.item() == pytest.approx(IMAGES["jpeg256"]["float64"], abs=1e-7)


@torch.no_grad()
@pytest.mark.parametrize(("mistake", "scale"), [("LoRA scale 1 instead of 1/8", 1), ("LoRA left out", 0)])
def test_another_factor_of_the_adapters_gives_other_tokens(
    detector: DDA, monkeypatch: pytest.MonkeyPatch, mistake: str, scale: int
) -> None:
    """After the first of 24 blocks already."""
    layers = [one for one in detector.network.modules() if isinstance(one, AdaptedLinear)]
    assert len(layers) == 4 * 24
    for layer in layers:
        monkeypatch.setattr(layer, "scale", scale)
    tokens = detector.network.tokens(detector.prepare(picture("rgb384x512"))[None])
    logits = WRONG["rgb384x512"][mistake], IMAGES["rgb384x512"]["logit"]
    first = detector.network.trunk.blocks[0](tokens)[0]
    assert_told_apart(first, IMAGES["rgb384x512"]["after_block0"], logits, 100 * WITHIN)


@torch.no_grad()
def test_positions_resampled_as_timm_does_give_other_tokens(detector: DDA) -> None:
    """On formula weights the logit is off by 0.001 alone; tokens tell."""
    trunk, given = detector.network.trunk, detector.prepare(picture("rgb384x512"))[None]
    plain = trunk.patch_embed.proj(given).flatten(2).transpose(1, 2)
    tokens = torch.cat([trunk.cls_token, plain], 1)
    timms = tokens + resample_abs_pos_embed(trunk.pos_embed, [24, 24])
    assert_sample(timms[0], WRONG["tokens_timm_style"], 1e-5)
    assert (timms - detector.network.tokens(given)).abs().max() > 1e-2


def tiny_state() -> dict[str, Tensor]:
    return he_weights(shapes_of(Tiny.build()), RULES)


def test_contract(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.pth", tiny_state())
    tiny = Tiny("coco", Weights(paths={"dda": path}, unverified=True))
    assert [result.problem for result in check_detector(tiny) if result.problem] == []


def test_a_file_without_adapters_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    state = {key: value for key, value in tiny_state().items() if "lora" not in key}
    path = write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.pth", state)
    with pytest.raises(WrongWeights, match=r"blocks\.0\.attn\.qkv\.lora\.lora_A' is missing"):
        Tiny("coco", Weights(paths={"dda": path}, unverified=True))
