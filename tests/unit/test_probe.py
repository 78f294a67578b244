"""Linear probes: networks that are built without memory, heads, and the regression that makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from formula import shapes_of
from published_keys import flat, published_keys
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from forenbench.detectors._nets.adapted_dinov2 import resampled
from forenbench.detectors._nets.probe_backbones import PROBED, at_224, transformer, without_mask
from forenbench.detectors.probe import RECIPES, Probe
from forenbench.training.estimators import Handmade
from forenbench.training.probe import probe_estimator
from forenbench.weights import Weights, WrongWeights, frozen

ROTARY = {
    "vit_large_patch16_dinov3": {"img_size": 32, "embed_dim": 64, "num_heads": 2},
    "vit_pe_core_large_patch14_336": {
        "img_size": 28,
        "embed_dim": 64,
        "num_heads": 2,
        "num_classes": 8,
        "ref_feat_shape": (2, 2),
    },
}


@pytest.mark.parametrize("name", ROTARY)
@torch.no_grad()
def test_rotary_positions_are_there_although_no_file_has_them(name: str) -> None:
    """On the meta device, where networks are built to be filled, they would stay without numbers.

    In float64: in float32 the kernels of some processors round by where a tensor happens to lie in memory.
    """
    torch.manual_seed(0)
    changes = {**ROTARY[name], "depth": 2}
    timms = timm.create_model(name, **changes).eval()
    ours = frozen(
        lambda: transformer(name, **changes), timms.state_dict(), PROBED["timm-dinov3-l16"].checkpoint
    )
    side = changes["img_size"]
    images = torch.randn(2, 3, side, side)
    assert not any(buffer.is_meta for buffer in ours.buffers())
    torch.testing.assert_close(
        ours.double()(images.double()), timms.double()(images.double()), rtol=1e-9, atol=1e-15
    )


@pytest.mark.slow
def test_rotary_positions_lie_where_the_weights_do(tmp_path: Path) -> None:
    """No GPU is needed to see it: the meta device is another one than the CPU, too."""
    torch.save(flat("dinov3-l16"), tmp_path / "dinov3.pth")
    weights = Weights(paths={"dinov3-l16": tmp_path / "dinov3.pth"}, unverified=True, device="meta")
    network = PROBED["timm-dinov3-l16"].load(weights).network
    assert {buffer.device.type for buffer in network.buffers()} == {"meta"}
    assert {one.device.type for one in network.parameters()} == {"meta"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PROBED if name != "efficientnet-lite0"])
def test_features_are_as_wide_as_is_said(name: str) -> None:
    backbone = PROBED[name]
    with torch.device("meta"):
        network = backbone.network.build()
        if rope := getattr(network, "rope", None):
            rope.to("meta")
        if backbone.classifier:
            setattr(network, backbone.classifier, nn.Identity())
        side = backbone.prepare.crop or backbone.prepare.resize
        features = network(torch.empty(1, 3, side, side))
    assert features.shape == (1, backbone.width)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("siglip2-l16-384", "ViT-L-16-SigLIP2-384"),
        ("siglip2-so400m-384", "ViT-SO400M-16-SigLIP2-384"),
        ("pe-core-l14-336", "PE-Core-L-14-336"),
    ],
)
def test_open_clips_tower_is_the_network_of_its_variant(name: str, model: str) -> None:
    """PE-Core's with the projection at its end, which timm's variant takes off."""
    settings = open_clip.get_model_config(model)
    settings.pop("custom_text")
    with torch.device("meta"):
        tower = open_clip.CustomTextCLIP(**settings).visual.trunk
        ours = PROBED[f"openclip-{name}"].network.build()
    assert shapes_of(tower) == shapes_of(ours)
    assert dict(shapes_of(ours)) == published_keys()[name]
    assert type(tower.head) is type(ours.head)
    assert (tower.global_pool, PROBED[f"openclip-{name}"].classifier) == ("map", "")
    assert PROBED[f"timm-{name}"].classifier == ("head" if "pe-core" in name else "")


def test_dinov3_gives_its_class_token() -> None:
    assert PROBED["timm-dinov3-l16"].network.build.keywords["global_pool"] == "token"


def test_dinov2_at_224_has_its_authors_positions() -> None:
    positions = torch.randn(1, 1370, 4)
    kept = at_224({"pos_embed": positions, "mask_token": torch.zeros(1, 4)})
    assert kept.keys() == {"pos_embed"}
    assert torch.equal(kept["pos_embed"], resampled(positions, 16, 16))
    assert at_224({"pos_embed": torch.zeros(1, 5, 4)})["pos_embed"].shape == (1, 5, 4)
    assert without_mask({"mask_token": 1, "norm.bias": 2}) == {"norm.bias": 2}


def fitted(features: np.ndarray, truth: np.ndarray) -> dict[str, torch.Tensor]:
    how = probe_estimator(Handmade(lambda image: torch.zeros(3), "three numbers", 3))
    content = how.estimate(features, truth, 0)
    assert {key: tuple(value.shape) for key, value in content.items()} == {"weight": (1, 3), "bias": (1,)}
    return content


def test_the_layer_judges_raw_features_as_the_regression_judges_standardised_ones() -> None:
    """Their scales differ by thousands, as those of DINOv2's features do."""
    random = np.random.RandomState(0)
    truth = random.randint(0, 2, 60)
    features = ((random.randn(60, 3) + truth[:, None]) * [1, 100, 0.01] + [5, -300, 0]).astype(np.float32)
    content = fitted(features, truth)
    logits = torch.from_numpy(features) @ content["weight"].T + content["bias"]
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    expected = LogisticRegression(C=1.0, max_iter=1000).fit(scaled, truth).decision_function(scaled)
    assert logits.squeeze(1).tolist() == pytest.approx(expected, abs=1e-2)


def test_a_feature_that_is_always_the_same_counts_for_nothing() -> None:
    truth = np.arange(20) % 2
    features = np.stack([truth, np.full(20, 7.0), -truth], 1).astype(np.float32)
    assert fitted(features, truth)["weight"][0, 1] == 0


def test_a_probe_reads_its_head_and_refuses_one_of_another_width(tmp_path: Path) -> None:
    heads = {width: tmp_path / f"{width}.safetensors" for width in (1280, 1024)}
    for width, path in heads.items():
        save_file({"weight": torch.full((1, width), 0.5), "bias": torch.ones(1)}, path)
    name = "probe-efficientnet-lite0-progan"
    probe = Probe("efficientnet-lite0-progan", Weights(paths={name: heads[1280]}, unverified=True))
    assert probe.logit(torch.full((2, 1280), 0.25)).tolist() == [161.0, 161.0]
    with pytest.raises(WrongWeights, match=r"has shape \(1, 1024\), expected \(1, 1280\)"):
        Probe("efficientnet-lite0-progan", Weights(paths={name: heads[1024]}, unverified=True))


def test_names_of_heads_say_whose_input_they_were_fitted_to() -> None:
    assert all(head.name == f"probe-{variant}" for variant, (_, head) in RECIPES.items())
    backbones = [backbone for backbone, _ in RECIPES.values()]
    assert len({str(backbone) for backbone in backbones}) == len(backbones)
