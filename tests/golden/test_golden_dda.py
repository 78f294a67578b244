"""DDA against its official code: tokens and logits, and what others make of positions and adapters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import torch
from formula import he_weights, shapes_of
from golden import assert_sample, card, modern, picture
from timm.layers import resample_abs_pos_embed
from torch import Tensor
from transformer_files import RULES, formula_weights, write_checkpoint

from forenbench.detectors._nets.adapted_dinov2 import AdaptedLinear, AdaptedTransformer
from forenbench.detectors._nets.pixels import IMAGENET, Preprocess
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
def test_logits_are_the_official_ones_and_imagenets_statistics_give_others(detector: DDA) -> None:
    image, wrong = picture("rgb384x512"), WRONG["rgb384x512"]
    inputs = torch.stack([detector.prepare(image), Preprocess(IMAGENET, crop=336)(image)])
    right = IMAGES["rgb384x512"]["logit"]
    assert detector.logit(inputs).tolist() == pytest.approx([right, wrong["ImageNet mean/std"]], abs=WITHIN)


@torch.no_grad()
def test_the_network_is_the_official_one_in_double_precision(detector: DDA) -> None:
    detector.network.double()
    logit = detector.logit(detector.prepare(picture("jpeg256"))[None].double())
    detector.network.float()
    assert logit.item() == pytest.approx(IMAGES["jpeg256"]["float64"], abs=1e-7)


@pytest.fixture
def whole_adapters(detector: DDA) -> Iterator[None]:
    """Make the change by the adapters eight times as large, as their file would suggest."""
    layers = [one for one in detector.network.modules() if isinstance(one, AdaptedLinear)]
    assert len(layers) == 4 * 24
    for layer in layers:
        layer.scale *= 8
    yield
    for layer in layers:
        layer.scale /= 8


@torch.no_grad()
@pytest.mark.usefixtures("whole_adapters")
def test_a_factor_of_one_gives_another_logit(detector: DDA) -> None:
    golden = WRONG["rgb384x512"]["LoRA scale 1 instead of 1/8"]
    logit = detector.logit(detector.prepare(picture("rgb384x512"))[None])
    assert logit.item() == pytest.approx(golden, abs=WITHIN)


@torch.no_grad()
def test_positions_resampled_as_timm_does_give_other_tokens(detector: DDA) -> None:
    """On formula weights the logit is off by 0.001 alone; tokens tell."""
    trunk, given = detector.network.trunk, detector.prepare(picture("rgb384x512"))[None]
    plain = trunk.patch_embed.proj(given).flatten(2).transpose(1, 2)
    tokens = torch.cat([trunk.cls_token, plain], 1)
    timms = tokens + resample_abs_pos_embed(trunk.pos_embed, [24, 24])
    assert_sample(timms[0], WRONG["tokens_timm_style"], 1e-5)
    assert (timms - detector.network.tokens(given)).abs().max() > 1e-2


@torch.no_grad()
@pytest.mark.parametrize("prepare", [Preprocess(IMAGENET, crop=336), Preprocess(IMAGENET, resize=336)])
def test_other_inputs_are_other_tensors(prepare: Preprocess) -> None:
    with pytest.raises(AssertionError):
        assert_sample(prepare(picture("rgb301x257")), IMAGES["rgb301x257"]["input"], 1e-2)


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
