"""CO-SPY against the official code: the ProGAN model whole, the other stage by stage; formula weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture, same_pixels
from PIL import Image
from published_keys import flat
from torch import Tensor, nn
from torchvision.transforms import functional

from forenbench.detectors._nets.artifact_networks import NeighbourArtifacts, RebuildingArtifacts
from forenbench.detectors._nets.image_models import siglip_so400m
from forenbench.detectors._nets.pixel_residuals import block_residual
from forenbench.detectors._nets.pixels import CLIP, PLAIN, Preprocess
from forenbench.detectors.cospy import RECIPES, CoSpy
from forenbench.perturbations import draw_generator, parse
from forenbench.weights import Weights, WrongWeights

GOLDEN = modern("cospy")
PROGAN, SD14 = GOLDEN["golden_progan"], GOLDEN["golden_sd14"]
WITHIN = card("cospy").within
PICTURE = "rgb384x512"
WRONG = PROGAN["wrong_variants"][PICTURE]

pytestmark = pytest.mark.slow
State = dict[str, Tensor]


def opened(name: str) -> Image.Image:
    """Return a formula picture, saved as JPEG before where the benchmark does that."""
    image, _, jpeg = name.partition(":")
    if not jpeg:
        return picture(image)
    return parse("jpeg:95").apply(picture(image), draw_generator(0, "jpeg:95", image))


def layer(width: int, sha256: str) -> State:
    state = he_weights([("fc.weight", (1, width)), ("fc.bias", (1,))])
    assert sha256_of_weights(state) == sha256
    return state


def network_state(network: nn.Module, keys: str, sha256: str) -> State:
    """Draw a network's entries, which stand in the published order."""
    shapes = shapes_of(network)
    assert keys_sha256(shapes) == GOLDEN[keys]
    state = he_weights(shapes)
    assert sha256_of_weights(state) == sha256
    return state


@pytest.mark.parametrize("name", PROGAN["images"])
def test_both_inputs_of_progan_are_the_official_ones(name: str) -> None:
    golden, plain = PROGAN["images"][name], RECIPES["progan"].prepare(opened(name))
    if "uint8" in golden:
        assert same_pixels(opened(name), golden["uint8"])
    assert_sample(plain, golden["input_0_1"], within=1e-6)
    assert_sample(functional.normalize(plain, *CLIP), golden["semantic_input"], within=1e-6)


# --- The ProGAN model


@pytest.fixture(scope="module")
def progan(vit_l14_file: Path, tmp_path_factory: pytest.TempPathFactory) -> CoSpy:
    folder, sha256 = tmp_path_factory.mktemp("progan"), PROGAN["sha256"]
    states = {
        "semantic": layer(768, sha256["semantic_fc"]),
        "fusion": layer(2, sha256["fusion_fc"]),
        "artifact": network_state(NeighbourArtifacts(), "keys_progan_artifact", sha256["artifact"]),
    }
    for part, state in states.items():
        torch.save(state, folder / part)
    paths = {f"cospy-progan-{part}": folder / part for part in states} | {"clip-vit-l14": vit_l14_file}
    return CoSpy("progan", Weights(paths=paths, unverified=True))


@torch.no_grad()
def test_progan_gives_the_official_logits(progan: CoSpy) -> None:
    """Of the right input, and of what others make, which keeps the picture's size."""
    opened, seen = picture(PICTURE), dict[str, Tensor]()
    batch = torch.stack([progan.prepare(opened), Preprocess(PLAIN, crop=224)(opened)])
    branches = {"semantic_logit": progan.semantic, "artifact_logit": progan.artifact}
    hooks = [
        branch.register_forward_hook(lambda _, given, made, name=name: seen.update({name: made}))
        for name, branch in branches.items()
    ]
    seen["fusion_logit"] = progan.logit(batch)
    for hook in hooks:
        hook.remove()
    official = PROGAN["images"][PICTURE], WRONG["no_resize_centre_crop"]
    for name, logits in seen.items():
        assert logits.flatten().tolist() == pytest.approx([one[name] for one in official], abs=WITHIN)
    assert abs(WRONG["no_resize_centre_crop"]["semantic_logit"] - WRONG["official"]["semantic_logit"]) > 0.1

    right = torch.cat([seen[name] for name in branches], dim=1)[:1]
    sigmoids, swapped = progan.fusion(torch.cat([right.sigmoid(), right.flip(1)])).flatten().tolist()
    assert sigmoids == pytest.approx(
        WRONG["fusion_of_sigmoids_instead_of_logits"]["fusion_logit"], abs=WITHIN
    )
    assert swapped == pytest.approx(WRONG["fusion_with_branches_swapped"]["fusion_logit"], abs=WITHIN)
    fused = WRONG["official"]["fusion_logit"]
    assert abs(fused - sigmoids) > 0.1 < abs(fused - swapped)


def without_smoothing(image: Image.Image) -> Tensor:
    small = functional.resize(Preprocess(PLAIN)(image), [256], antialias=False)
    return functional.center_crop(small, [224, 224])


@torch.no_grad()
def test_other_inputs_give_other_logits_of_artefacts(progan: CoSpy) -> None:
    right = progan.prepare(picture(PICTURE))[None]
    squashed = Preprocess(PLAIN, resize=256, crop=224)(picture(PICTURE))[None]
    network = progan.artifact

    def unlike(statistics: object) -> float:
        seen = block_residual(functional.normalize(right, *statistics)) * 2 / 3
        return float(network.fc(network.artifact_encoder.features(seen)))

    found = {
        "squash256_then_crop": network(squashed).item(),
        "tensor_resize_no_antialias": network(without_smoothing(picture(PICTURE))[None]).item(),
        "artifact_with_clip_mean_std": unlike(CLIP),
        "artifact_without_mean_std": unlike(PLAIN),
    }
    golden = {name: WRONG[name]["artifact_logit"] for name in found}
    assert found == pytest.approx(golden, abs=WITHIN)
    assert all(abs(value - WRONG["official"]["artifact_logit"]) > 1e-3 for value in found.values())


# --- The model of Stable Diffusion 1.4


@pytest.mark.parametrize("name", SD14["prepare"])
def test_the_autoencoder_gets_pictures_shrunk_without_smoothing(name: str) -> None:
    golden, plain = SD14["prepare"][name], RECIPES["sd14"].prepare(opened(name))
    assert_sample(plain, golden["input384_0_1"], within=1e-6)
    assert_sample(functional.normalize(plain, *RECIPES["sd14"].statistics), golden["semantic_input"], 1e-6)
    assert_sample(RebuildingArtifacts.shrink(plain[None])[0], golden["artifact_input224"], within=2e-6)
    smoothed = functional.resize(plain, [224, 224], antialias=True)
    assert_sample(smoothed, golden["WRONG_artifact_input_antialias_true"], within=2e-6)
    assert (smoothed - RebuildingArtifacts.shrink(plain[None])[0]).abs().max() > 1e-3


@pytest.fixture(scope="module")
def sd14(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The three files of the authors; that of artefacts with the autoencoder in it."""
    folder, sha256 = tmp_path_factory.mktemp("sd14"), SD14["sha256"]
    network = RebuildingArtifacts()
    vae = network_state(network.artifact_encoder.vae, "keys_sd14_vae", sha256["vae"])
    del network.artifact_encoder.vae
    artifact = network_state(network, "keys_sd14_artifact", sha256["artifact_without_vae"])
    states = {
        "semantic": layer(1152, sha256["semantic_fc"]),
        "fusion": layer(2, sha256["fusion_fc"]),
        "artifact": artifact | {f"artifact_encoder.vae.{key}": value for key, value in vae.items()},
    }
    for part, state in states.items():
        torch.save(state, folder / part)
    return Weights(paths={f"cospy-sd14-{part}": folder / part for part in states}, unverified=True)


@torch.no_grad()
def test_what_the_autoencoder_cannot_rebuild_gives_the_official_logits(sd14: Weights) -> None:
    """The right ones in double precision, which is held to the official one's; other latents in single."""
    network, window = RECIPES["sd14"].artifact.load(sd14), piece("rgb256a")
    encoder, vae = network.artifact_encoder, network.artifact_encoder.vae
    golden = SD14["artifact_64"]["rgb256a"]
    assert_sample(window[0], golden["input"], within=1e-6)

    network.double()
    means, deviations = vae.distributions(window.double())
    assert_sample(means[0], golden["latent_mean"], within=1e-4 * max_of(golden["latent_mean"]))
    artifacts = network.artifacts(window.double())
    assert_sample(artifacts[0], golden["scaled_artifact"], within=1e-2)
    features = encoder.features(artifacts)
    assert_sample(features[0], golden["feature512"], within=1e-2)
    assert_sample(features[0], golden["float64"]["feature512"], within=1e-8)
    logit = network.fc(features).item()
    assert logit == pytest.approx(golden["artifact_logit"], abs=1e-2)
    assert logit == pytest.approx(golden["float64"]["artifact_logit"], abs=1e-8)

    network.float()
    torch.manual_seed(0)  # the official run's, as its number shows
    latents = {
        "WRONG_latent_sampled_instead_of_mean_logit": means + deviations * torch.randn(means.shape),
        "WRONG_latent_scaled_0.18215_logit": means * 0.18215,
    }
    for name, other in latents.items():
        lost = window - vae.decode(other.float())
        found = network.fc(encoder.features(lost / 7 * 100)).item()
        assert found == pytest.approx(golden[name], abs=1e-2)
        assert abs(found - logit) > 1
    # Pixels in [-1, 1] are another input.
    assert abs(golden["WRONG_vae_input_scaled_to_minus1_1_logit"] - logit) > 1


def piece(name: str) -> Tensor:
    """Cut the 64 pixels that the official autoencoder was run on, (1, 3, 64, 64)."""
    shrunk = RebuildingArtifacts.shrink(RECIPES["sd14"].prepare(picture(name))[None])
    return shrunk[..., 80:144, 80:144]


def max_of(golden: dict[str, Any]) -> float:
    return max(abs(value) for _, value in golden["at"])


@torch.no_grad()
def test_the_layers_on_features_and_on_logits_are_the_official_ones(sd14: Weights) -> None:
    golden, recipe = SD14["semantic"], RECIPES["sd14"]
    features = np.random.RandomState(77).randn(1, 1152).astype(np.float32)
    semantic = recipe.semantic.load(sd14)(torch.from_numpy(features))
    assert semantic.item() == pytest.approx(golden["formula_vector"]["logit"], abs=WITHIN)
    artifact = SD14["artifact_64"]["rgb256a"]["artifact_logit"]
    fused = recipe.fusion.load(sd14)(torch.tensor([[semantic.item(), artifact]])).item()
    assert fused == pytest.approx(
        golden["fusion_of_formula_vector_and_artifact_64_rgb256a"]["fusion_logit"], abs=1e-3
    )


@torch.no_grad()
def test_siglips_first_block_is_the_official_one(tmp_path: Path) -> None:
    """The whole tower has 428 million numbers: the 15 million that come first are drawn."""
    golden = GOLDEN["golden_siglip"]
    with torch.device("meta"):
        shapes = [(f"visual.trunk.{key}", shape) for key, shape in shapes_of(siglip_so400m())]
    assert (
        keys_sha256([(key.removeprefix("visual."), shape) for key, shape in shapes])
        == GOLDEN["keys_siglip_visual"]
    )
    first = [one for one in shapes if ".blocks." not in one[0] or ".blocks.0." in one[0]][:15]
    drawn = he_weights(first, {"pos_embed": lambda z: 0.02 * z})
    torch.save(flat("siglip-so400m-384") | drawn, tmp_path / "siglip.pth")
    weights = Weights(paths={"siglip-so400m-384": tmp_path / "siglip.pth"}, unverified=True)
    tower = RECIPES["sd14"].tower.load(weights)
    plain = RECIPES["sd14"].prepare(picture("rgb256a"))
    tokens = (
        tower.patch_embed(functional.normalize(plain, *RECIPES["sd14"].statistics)[None]) + tower.pos_embed
    )
    assert_sample(tower.blocks[0](tokens)[0], golden["images"]["rgb256a"]["block0"], within=1e-4)


def test_a_file_of_the_other_model_is_named(tmp_path: Path) -> None:
    torch.save(flat("cospy-sd14-artifact"), tmp_path / "other.pth")
    weights = Weights(paths={"cospy-progan-artifact": tmp_path / "other.pth"}, unverified=True)
    with pytest.raises(WrongWeights, match="seems to be weights 'cospy-sd14-artifact'"):
        RECIPES["progan"].artifact.load(weights, CoSpy.checkpoints)
