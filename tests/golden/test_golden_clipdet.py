"""ClipDet and its fusion with Corvi against the official code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, assert_told_apart, card, keys_sha256, modern, picture
from torch import Tensor, nn

from forenbench.detectors._nets.commonpool import COMMONPOOL
from forenbench.detectors._nets.pixels import IMAGENET, PLAIN, Preprocess
from forenbench.detectors._nets.res50nodown import res50nodown
from forenbench.detectors.clipdet import ClipDet, ClipLinear, Fusion, head, soft_or
from forenbench.weights import Weights

pytestmark = pytest.mark.slow
GOLDEN = modern("clipdet")["golden"]
TOWER = GOLDEN["tower"]["images"]
WITHIN = card("clipdet").within


@pytest.fixture(scope="module")
def weights(vit_l14_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weights]:
    """The tower alone; the head in the trainer's format."""
    folder = tmp_path_factory.mktemp("clipdet")
    paths = {
        "clipdet-latent10k-plus": folder / "weights.pth",
        "clipdet-latent10k": folder / "bare.pth",
        "corvi-latent": folder / "model_epoch_best.pth",
    }
    shapes = shapes_of(head())
    assert keys_sha256(shapes) == modern("clipdet")["head_keys"]
    layer = he_weights(shapes)
    assert sha256_of_weights(layer) == GOLDEN["head_weights_sha256"]
    torch.save({"model": layer}, paths["clipdet-latent10k-plus"])
    torch.save(layer, paths["clipdet-latent10k"])
    with torch.device("meta"):
        shapes = shapes_of(res50nodown())
    torch.save({"model": he_weights(shapes)}, paths["corvi-latent"])
    yield Weights(paths=paths | {"clip-vit-l14-commonpool": vit_l14_file}, unverified=True)
    for path in paths.values():
        path.unlink()


@pytest.fixture(scope="module")
def clipdet(weights: Weights) -> ClipLinear:
    made = ClipDet("latent10k-plus", weights)
    assert isinstance(made, ClipLinear)
    return made


def features(clipdet: ClipLinear, prepared: Tensor) -> Tensor:
    """Run the tower on one picture as the pipeline does: (1, 1024)."""
    with torch.no_grad():
        return clipdet.encoder.outputs(prepared[None], [clipdet.output])[clipdet.output]


@pytest.mark.parametrize("name", GOLDEN["inputs"])
def test_inputs_are_the_official_ones(name: str) -> None:
    assert_sample(COMMONPOOL.prepare(picture(name)), GOLDEN["inputs"][name], 1e-6)


def test_features_and_logits_are_the_official_ones(weights: Weights, clipdet: ClipLinear) -> None:
    """Of one picture here, of another where the fusion is tested: each pass takes seconds."""
    found, golden = features(clipdet, clipdet.prepare(picture("jpeg256"))), TOWER["jpeg256"]
    assert_sample(found[0], golden["feature1024_before_norm"], 1e-3)
    assert_sample(nn.functional.normalize(found[0], dim=0), golden["feature1024"], 1e-6)
    assert clipdet.logit(found).item() == pytest.approx(golden["logit"], abs=WITHIN)
    assert ClipDet("latent10k", weights).logit(found).item() == clipdet.logit(found).item()


def test_the_layer_reads_features_of_length_1(clipdet: ClipLinear) -> None:
    drawn = torch.from_numpy(np.random.RandomState(5).randn(3, 1024).astype(np.float32))
    assert clipdet.logit(drawn).tolist() == pytest.approx(GOLDEN["head"]["logits"], abs=1e-6)
    as_they_are = clipdet.head(drawn)[:, 0].tolist()
    assert as_they_are == pytest.approx(GOLDEN["head"]["wrong: not normalised"], abs=1e-5)


@pytest.mark.parametrize(("mistake", "prepare"), [
    ("bilinear resize", replace(COMMONPOOL.prepare, resample="bilinear")),
    ("CenterCrop 224 without resize", replace(COMMONPOOL.prepare, resize=None)),
    ("ImageNet mean/std", replace(COMMONPOOL.prepare, statistics=IMAGENET)),
])  # fmt: skip
def test_another_input_is_told_from_the_official_one(mistake: str, prepare: Preprocess) -> None:
    logits = GOLDEN["wrong_variants"]["jpeg256"][mistake], TOWER["jpeg256"]["logit"]
    assert_told_apart(prepare(picture("jpeg256")), GOLDEN["inputs"]["jpeg256"], logits, WITHIN)


def test_another_activation_gives_another_logit(clipdet: ClipLinear) -> None:
    wrong = GOLDEN["wrong_variants"]["jpeg256"]["QuickGELU"]
    gates = [block.mlp for block in clipdet.encoder.network.transformer.resblocks]
    for gate in gates:
        assert isinstance(gate.gelu, nn.GELU)
        gate.gelu = QuickGELU()
    logit = clipdet.logit(features(clipdet, COMMONPOOL.prepare(picture("jpeg256")))).item()
    for gate in gates:
        gate.gelu = nn.GELU()
    assert logit == pytest.approx(wrong, abs=WITHIN)
    assert abs(logit - TOWER["jpeg256"]["logit"]) > 4 * WITHIN


class QuickGELU(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values * torch.sigmoid(1.702 * values)


# --- The fusion


def test_the_fusion_is_the_official_one_of_its_six() -> None:
    pairs, official = zip(*GOLDEN["fusion"]["soft_or_prob"], strict=True)
    fused = soft_or(torch.tensor(pairs, dtype=torch.float64))
    assert fused.dtype == torch.float64
    assert fused.tolist() == pytest.approx(official, abs=1e-9)
    # Of two that are undecided, the other five make 0, or less than this one.
    undecided = {rule: values[1][1] for rule, values in GOLDEN["fusion"].items()}
    assert max(undecided, key=undecided.__getitem__) == "soft_or_prob"
    assert fused[1].item() == pytest.approx(undecided["soft_or_prob"])
    # Both are certain of a photograph: in float32 the probability of either would be 0, its logit no number.
    assert soft_or(torch.tensor([[-300.0, -310.0]])).item() == pytest.approx(-300 + np.log1p(np.exp(-10)))


def test_the_fusion_is_of_the_official_logits_of_the_two(weights: Weights) -> None:
    fusion = ClipDet("fusion", weights)
    assert isinstance(fusion, Fusion)
    assert fusion.prepare == Preprocess(PLAIN)
    assert fusion.clipdet.encoder is ClipDet("latent10k-plus", weights).encoder  # type: ignore[union-attr]
    corvi = modern("res50nodown")["golden"]["images"]["rgb180x200"]["logit"]
    with torch.no_grad():
        logit = fusion.logit(fusion.prepare(picture("rgb180x200"))[None]).item()
    official = soft_or(torch.tensor([[TOWER["rgb180x200"]["logit"], corvi]])).item()
    # The fused logit moves by 0.5 of ClipDet's change here, and by 0.97 of Corvi's: neither can hide.
    assert logit == pytest.approx(official, abs=WITHIN + card("corvi").within)
