"""UnivFD against the official code: crops exactly; features and logits of two backbones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
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
    card,
    keys_sha256,
    needs_shared,
    picture,
    same_pixels,
)
from torch import Tensor

from forenbench.detectors._nets.encoders import BACKBONES, FrozenEncoder
from forenbench.detectors._nets.image_models import imagenet_resnet_50
from forenbench.detectors._nets.univfd_recipes import HEAD
from forenbench.detectors.univfd import LinearProbe, UnivFD
from forenbench.weights import Weights, frozen

WITHIN = card("univfd").within
GOLDEN, IMAGENET = NUMBERS["univfd"], NUMBERS["univfd_imagenet_resnet50"]
# Inputs are compared of all pictures, so that a network needs few: two of which there are float64 numbers,
# one with a black border, and a photograph.
ENCODED = [name for name in ("rgb256a", "rgb180x200", "real") if name in AVAILABLE]
FEW = ("rgb256a", "rgb180x200", "pal256")
TEXT = {"logit_scale": torch.zeros(()), "token_embedding.weight": torch.zeros(8, 4)}

State = dict[str, Tensor]


@pytest.mark.parametrize(("backbone", "golden"), [("clip-vit-l14", GOLDEN), ("imagenet-resnet50", IMAGENET)])
@pytest.mark.parametrize("name", PICTURES)
def test_input_is_the_official_one(backbone: str, golden: dict[str, Any], name: str) -> None:
    prepare = BACKBONES[backbone].prepare
    assert same_pixels(prepare.pixels(picture(name)), golden[name]["uint8"])
    assert_input(prepare(picture(name)), golden[name]["input"])


def training_checkpoint(state: State) -> dict[str, object]:
    """Wrap a state dict as the official training does."""
    return {"model": state, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "total_steps": 3}


def formula_head() -> State:
    return he_weights(shapes_of(torch.nn.Linear(768, 1)))


def assert_features(ours: Tensor, golden: dict[str, Any]) -> None:
    assert ours[:8].tolist() == pytest.approx(golden["first8"], abs=1e-3)
    assert ours.double().norm().item() == pytest.approx(golden["l2"], abs=1e-3)
    assert ours.double().sum().item() == pytest.approx(golden["sum"], abs=1e-3)


# --- CLIP ViT-L/14


@pytest.fixture(scope="module")
def weights(
    vit_l14: State, vit_l14_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Weights]:
    """CLIP's tower alone; and with a head and two text keys for all, as the official training saves both."""
    trained = tmp_path_factory.mktemp("clip") / "model_epoch_best.pth"
    model = {f"model.visual.{key}": value for key, value in vit_l14.items()}
    model |= {f"model.{key}": value for key, value in TEXT.items()}
    model |= {f"fc.{key}": value for key, value in formula_head().items()}
    torch.save(training_checkpoint(model), trained)
    yield Weights(
        paths={
            "clip-vit-l14": vit_l14_file,
            "univfd-lc-own": trained,
            "univfd-finetuned": trained,
            "univfd-head": SHARED / "weights" / "fc_weights.pth",
        },
        unverified=True,
    )
    trained.unlink()


@pytest.fixture(scope="module")
def encoder(weights: Weights) -> FrozenEncoder:
    return BACKBONES["clip-vit-l14"].load(weights)


@pytest.fixture(scope="module")
def outputs(encoder: FrozenEncoder) -> dict[str, Tensor]:
    """What one pass over a few pictures gives: features, and the normed class tokens in front of them."""
    batch = torch.stack([encoder.prepare(picture(name)) for name in ENCODED])
    with torch.no_grad():
        return encoder.outputs(batch, ["ln_post"])


@pytest.fixture(scope="module")
def features(outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(zip(ENCODED, outputs[""], strict=True))


@pytest.mark.slow
def test_features_are_the_official_ones(features: dict[str, Tensor]) -> None:
    for name, ours in features.items():
        assert len(ours) == GOLDEN[name]["feature"]["length"]
        assert_features(ours, GOLDEN[name]["feature"])
        assert_features(ours, GOLDEN[name].get("float64", GOLDEN[name]["feature"]))


@pytest.mark.slow
def test_formula_head_gives_the_official_logits(encoder: FrozenEncoder, features: dict[str, Tensor]) -> None:
    head = frozen(lambda: torch.nn.Linear(768, 1), formula_head(), HEAD)
    assert_scores(LinearProbe("univfd:lc", encoder, head), features, "formula_head")


@pytest.mark.slow
@needs_shared
def test_released_head_loads_strictly_and_gives_the_official_logits(
    weights: Weights, features: dict[str, Tensor]
) -> None:
    with weights.recording() as used:
        probe = UnivFD("lc", weights)
    assert used["univfd-head"] == HEAD.sha256  # under its own name: it is the published file
    assert_scores(probe, features, "released_head")


def assert_scores(probe: LinearProbe, features: dict[str, Tensor], head: str) -> None:
    batch = torch.stack(list(features.values()))
    golden = [GOLDEN[name][head] for name in features]
    assert probe.logit(batch).tolist() == pytest.approx([one["logit"] for one in golden], abs=WITHIN)
    assert probe.score(batch).tolist() == pytest.approx([one["sigmoid"] for one in golden], abs=WITHIN)
    for name, ours in features.items():
        double = GOLDEN[name].get("float64", {f"{head}_logit": GOLDEN[name][head]["logit"]})
        assert probe.logit(ours[None]).item() == pytest.approx(double[f"{head}_logit"], abs=WITHIN)


@pytest.mark.slow
@torch.no_grad()
def test_a_training_checkpoint_serves_as_head_and_as_fine_tuned_model(
    weights: Weights, encoder: FrozenEncoder
) -> None:
    """The official training saves both alike; both have the same head here, and the same tower."""
    probe, whole = UnivFD("lc-own", weights), UnivFD("finetuned", weights)
    assert probe.encoder is encoder
    assert torch.equal(probe.head.weight, formula_head()["weight"])
    logit = whole.logit(whole.prepare(picture("rgb301x257"))[None])
    assert logit.item() == pytest.approx(GOLDEN["rgb301x257"]["formula_head"]["logit"], abs=WITHIN)


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


@pytest.mark.slow
@torch.no_grad()
def test_features_are_those_after_the_projection(encoder: FrozenEncoder, outputs: dict[str, Tensor]) -> None:
    """The "pooler output" of other libraries is the normed class token in front of it: 1024 numbers."""
    assert outputs["ln_post"].shape == (len(ENCODED), 1024)
    assert torch.allclose(outputs["ln_post"] @ encoder.network.proj, outputs[""], atol=1e-4)


# --- ImageNet ResNet-50


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> LinearProbe:
    """The backbone from torchvision's format, the head from the official training checkpoint around both."""
    parts = {"model": imagenet_resnet_50(), "fc": torch.nn.Linear(2048, 1)}
    shapes = shapes_of(torch.nn.ModuleDict(parts))
    state = he_weights(shapes)
    assert keys_sha256(shapes) == NUMBERS["keys"]["univfd_imagenet_resnet50"]
    assert sha256_of_weights(state) == NUMBERS["weights"]["univfd_imagenet_resnet50"]
    folder = tmp_path_factory.mktemp("imagenet")
    backbone, trained = folder / "resnet50-0676ba61.pth", folder / "model_epoch_best.pth"
    inner = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}
    torch.save(inner, backbone)
    torch.save(training_checkpoint(state), trained)
    paths = {"resnet50-imagenet": backbone, "univfd-imagenet-resnet50-head": trained}
    probe = UnivFD("imagenet-resnet50-lc", Weights(paths=paths, unverified=True))
    backbone.unlink()
    trained.unlink()
    assert isinstance(probe, LinearProbe)
    return probe


@torch.no_grad()
def test_imagenet_features_and_logits_are_the_official_ones(resnet: LinearProbe) -> None:
    batch = torch.stack([resnet.prepare(picture(name)) for name in FEW])
    features = resnet.encoder.encode(batch)
    assert features.shape == (len(FEW), 2048)
    for ours, name in zip(features, FEW, strict=True):
        assert_features(ours, IMAGENET[name]["feature"])
    golden = [IMAGENET[name] for name in FEW]
    assert resnet.logit(features).tolist() == pytest.approx([one["logit"] for one in golden], abs=1e-4)
    assert resnet.score(features).tolist() == pytest.approx([one["sigmoid"] for one in golden], abs=1e-4)


@pytest.mark.slow
@torch.no_grad()
def test_imagenet_double_precision_leaves_no_difference(resnet: LinearProbe) -> None:
    network, head = resnet.encoder.network.double(), resnet.head.double()
    logits = {name: head(network(resnet.prepare(picture(name))[None].double())).item() for name in FEW}
    network.float(), head.float()
    golden = {name: IMAGENET[name]["logit_float64"] for name in FEW}
    assert logits == pytest.approx(golden, abs=1e-9)
