"""UnivFD against the official code: crops exactly, CLIP features and logits to 1e-3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import (
    AVAILABLE,
    NUMBERS,
    PICTURES,
    SHARED,
    assert_input,
    keys_sha256,
    needs_shared,
    picture,
    same_pixels,
)
from safetensors.torch import save_file
from torch import Tensor

from forenbench.detectors._nets.encoders import FrozenEncoder, clip_tower, clip_vit_l14
from forenbench.detectors._nets.pixels import CLIP, Preprocess
from forenbench.detectors.univfd import HEAD, LinearProbe
from forenbench.weights import Weights, frozen

GOLDEN = NUMBERS["univfd"]
ENCODED = [name for name in AVAILABLE if "feature" in GOLDEN[name]]
PREPARE = Preprocess(CLIP, crop=224)


@pytest.mark.parametrize("name", PICTURES)
def test_input_is_the_official_one(name: str) -> None:
    assert same_pixels(PREPARE.pixels(picture(name)), GOLDEN[name]["uint8"])
    assert_input(PREPARE(picture(name)), GOLDEN[name]["input"])


def openai_order(entry: tuple[str, tuple[int, ...]]) -> tuple[int, int, int]:
    """Sort key: OpenAI's blocks list the attention before the norm in front of it, open_clip's after."""
    key, _ = entry
    if not key.startswith("transformer.resblocks."):
        return (2 if key.startswith("ln_post.") else 0, 0, 0)
    number, part = key.split(".")[2:4]
    return (1, int(number), ["attn", "ln_1", "mlp", "ln_2"].index(part))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrozenEncoder]:
    """CLIP's image tower with formula weights, from a file in open_clip's format (two text keys for all)."""
    with torch.device("meta"):
        shapes = sorted(shapes_of(clip_tower()), key=openai_order)
    tower = he_weights(shapes)
    assert keys_sha256(shapes) == NUMBERS["keys"]["vit_l14_visual"]
    assert sha256_of_weights(tower) == NUMBERS["weights"]["vit_l14_visual"]
    text = {"logit_scale": torch.zeros(()), "token_embedding.weight": torch.zeros(8, 4)}
    path = tmp_path_factory.mktemp("clip") / "open_clip_model.safetensors"
    save_file({f"visual.{key}": value for key, value in tower.items()} | text, path)
    yield clip_vit_l14(Weights(paths={"clip-vit-l14": path}))
    path.unlink()


@pytest.fixture(scope="module")
def features(encoder: FrozenEncoder) -> dict[str, Tensor]:
    """Features of the eight (without the shared folder: six) pictures, in batches of two."""
    assert encoder.prepare == PREPARE
    batch = torch.stack([encoder.prepare(picture(name)) for name in ENCODED])
    with torch.no_grad():
        encoded = torch.cat([encoder.encode(two) for two in batch.split(2)])
    return dict(zip(ENCODED, encoded, strict=True))


def assert_features(ours: Tensor, golden: dict[str, Any]) -> None:
    assert ours[:8].tolist() == pytest.approx(golden["first8"], abs=1e-3)
    assert ours.double().norm().item() == pytest.approx(golden["l2"], abs=1e-3)
    assert ours.double().sum().item() == pytest.approx(golden["sum"], abs=1e-3)


@pytest.mark.slow
def test_features_are_the_official_ones(features: dict[str, Tensor]) -> None:
    for name, ours in features.items():
        assert len(ours) == GOLDEN[name]["feature"]["length"]
        assert_features(ours, GOLDEN[name]["feature"])


@pytest.mark.slow
def test_formula_head_gives_the_official_logits(encoder: FrozenEncoder, features: dict[str, Tensor]) -> None:
    state = he_weights(shapes_of(torch.nn.Linear(768, 1)))
    head = frozen(lambda: torch.nn.Linear(768, 1), state, HEAD)
    assert_scores(LinearProbe("univfd:lc", encoder, head), features, "formula_head")


@pytest.mark.slow
@needs_shared
def test_released_head_loads_strictly_and_gives_the_official_logits(
    encoder: FrozenEncoder, features: dict[str, Tensor]
) -> None:
    weights = Weights(paths={"univfd-head": SHARED / "weights" / "fc_weights.pth"})
    head = frozen(lambda: torch.nn.Linear(768, 1), weights.load(HEAD), HEAD)
    assert_scores(LinearProbe("univfd:lc", encoder, head), features, "released_head")


def assert_scores(probe: LinearProbe, features: dict[str, Tensor], head: str) -> None:
    batch = torch.stack(list(features.values()))
    golden = [GOLDEN[name][head] for name in features]
    assert probe.logit(batch).tolist() == pytest.approx([one["logit"] for one in golden], abs=1e-3)
    assert probe.score(batch).tolist() == pytest.approx([one["sigmoid"] for one in golden], abs=1e-3)


@pytest.mark.slow
def test_plain_gelu_would_give_other_features(encoder: FrozenEncoder, features: dict[str, Tensor]) -> None:
    wrong = NUMBERS["wrong"]["univfd_clip_rgb256a"]
    assert_features(features["rgb256a"], wrong["correct"])
    gates = [block.mlp for block in encoder.network.transformer.resblocks]
    quick = gates[0].gelu
    for gate in gates:
        gate.gelu = torch.nn.GELU()
    with torch.no_grad():
        plain = encoder.encode(encoder.prepare(picture("rgb256a"))[None])[0]
    for gate in gates:
        gate.gelu = quick
    assert_features(plain, wrong["with_plain_gelu"])
    assert abs(plain.sum() - features["rgb256a"].sum()) > 0.1
