"""Community Forensics against the official code: inputs, features and logits of both networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pytest
import torch
from formula import he_weights, sha256_of_weights, shapes_of
from golden import assert_sample, card, keys_sha256, modern, picture
from PIL.Image import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.transforms.functional import center_crop, resize

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, PLAIN, SYMMETRIC, Preprocess, normalise
from forenbench.detectors.commfor import CommunityForensics, vision_transformer
from forenbench.weights import Weights

pytestmark = pytest.mark.slow
GOLDEN = modern("community_forensics")
MODELS = GOLDEN["golden"]["models"]
WITHIN = card("commfor").within
FEW = {"384": ("rgb180x200", "rgb384x512"), "224": ("rgb180x200", "rgb301x257", "rgb384x512")}
"""Smaller than the crop, of odd sides, wider than high: the larger network takes a second for a picture."""

RULES = {"cls_token": lambda z: 0.02 * z, "pos_embed": lambda z: 0.02 * z}


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CommunityForensics]:
    """Both networks: one from the hub's format, the other from that of the authors' training."""
    folder = tmp_path_factory.mktemp("commfor")
    paths = {"commfor-384": folder / "model.safetensors", "commfor-224": folder / "model_v11_ViT_224.pt"}
    for side in ("384", "224"):
        with torch.device("meta"):
            shapes = shapes_of(vision_transformer(int(side)))
        assert keys_sha256(shapes) == GOLDEN[f"keys_{side}"]
        state = he_weights(shapes, RULES)
        assert sha256_of_weights(state) == MODELS[side]["weights_sha256"]
        assert sum(map(Tensor.numel, state.values())) == MODELS[side]["parameters"]
        if side == "384":
            save_file(state, paths["commfor-384"])
        else:  # of a compiled model
            compiled = {f"_orig_mod.{key}": value for key, value in state.items()}
            beside = {"optimizer": {"state": {}}, "scheduler": {}, "scaler": {}, "epoch": 9, "itr": 52_000}
            torch.save({"model": compiled, **beside}, paths["commfor-224"])
    weights = Weights(paths=paths, unverified=True)
    return {side: CommunityForensics(f"vit-s-{side}", weights) for side in MODELS}


@pytest.mark.parametrize("side", MODELS)
def test_inputs_are_the_official_ones(detectors: Mapping[str, CommunityForensics], side: str) -> None:
    for name, golden in MODELS[side]["images"].items():
        assert_sample(detectors[side].prepare(picture(name)), golden["input"], 1e-5)


@pytest.mark.parametrize("side", MODELS)
@torch.no_grad()
def test_features_and_logits_are_the_official_ones(
    detectors: Mapping[str, CommunityForensics], side: str
) -> None:
    detector, images = detectors[side], MODELS[side]["images"]
    images = {name: images[name] for name in FEW[side]}
    seen: dict[str, Tensor] = {}
    vit = detector.network.vit
    hooks = [
        vit.patch_embed.register_forward_hook(lambda module, given, out: seen.update(patches=out)),
        vit.head.register_forward_hook(lambda module, given, out: seen.update(token=given[0])),
    ]
    logits = detector.logit(torch.stack([detector.prepare(picture(name)) for name in images]))
    for hook in hooks:
        hook.remove()
    for number, (name, golden) in enumerate(images.items()):
        assert_sample(seen["patches"][number], golden["patch_embed_first_block_in"], 1e-5)
        assert_sample(seen["token"][number], golden["cls_after_norm384"], 1e-4)
        assert logits[number].item() == pytest.approx(golden["logit"], abs=WITHIN), name
        score = logits[number].sigmoid().item()
        assert score == pytest.approx(golden["sigmoid"], abs=WITHIN), name


@torch.no_grad()
def test_double_precision_leaves_no_difference(detectors: Mapping[str, CommunityForensics]) -> None:
    """Of the smaller one: the larger one is the same network on more patches."""
    detector = detectors["224"]
    exact = detector.network.double()(detector.prepare(picture("rgb301x257"))[None].double())
    detector.network.float()
    assert exact.item() == pytest.approx(MODELS["224"]["images"]["rgb301x257"]["float64"], abs=1e-9)


# --- What other harnesses and older code do


def of_tensor(antialias: bool, image: Image) -> Tensor:
    """Resize a picture as floats, not as 8 bits."""
    pixels = resize(Preprocess(PLAIN)(image), 256, antialias=antialias)
    mean, std = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    return (center_crop(pixels, [224, 224]) - mean) / std


INPUT = Preprocess(IMAGENET, resize=256, crop=224, squash=False)
WRONG_INPUTS: dict[str, Callable[[Image], Tensor]] = {
    "CLIP mean/std (eval_single branch of the same repository)": replace(INPUT, statistics=CLIP),
    "mean/std 0.5 (timm default of these checkpoints)": replace(INPUT, statistics=SYMMETRIC),
    "bicubic": replace(INPUT, resample="bicubic"),
    "float tensor resize with antialias": partial(of_tensor, True),
    "float tensor resize without antialias": partial(of_tensor, False),
    "squash to crop size": Preprocess(IMAGENET, resize=224),
    "short side straight to crop size, centre crop": replace(INPUT, resize=224),
    "centre crop only (zero padding)": replace(INPUT, resize=None),
    "red and blue swapped": lambda image: normalise(INPUT.levels(image).flip(0), IMAGENET),
}


def wrong_eps(network: nn.Module) -> Iterator[None]:
    norms = [module for module in network.modules() if isinstance(module, nn.LayerNorm)]
    for norm in norms:
        norm.eps = 1e-5
    yield
    for norm in norms:
        norm.eps = 1e-6


def wrong_gelu(network: nn.Module) -> Iterator[None]:
    gates = [module for module in network.modules() if isinstance(module, nn.GELU)]
    for gate in gates:
        gate.approximate = "tanh"
    yield
    for gate in gates:
        gate.approximate = "none"


def wrong_pooling(network: nn.Module) -> Iterator[None]:
    network.vit.global_pool = "avg"
    yield
    network.vit.global_pool = "token"


WRONG_NETWORKS = {
    "LayerNorm eps 1e-5 instead of 1e-6": wrong_eps,
    "tanh GELU": wrong_gelu,
    "mean of patch tokens instead of CLS": wrong_pooling,
}


@torch.no_grad()
def test_every_known_wrong_variant_gives_another_logit(
    detectors: Mapping[str, CommunityForensics],
) -> None:
    detector, name = detectors["224"], "rgb301x257"
    assert detector.prepare == INPUT
    wrong = MODELS["224"]["wrong_variants"][name]
    assert wrong.keys() == WRONG_INPUTS.keys() | WRONG_NETWORKS.keys()
    given = detector.prepare(picture(name))
    # What the network makes of the right input is compared: of another one, that it is another.
    far = {what: (prepare(picture(name)) - given).abs().max() for what, prepare in WRONG_INPUTS.items()}
    assert [what for what, distance in far.items() if distance < 0.01] == []
    found = {}
    for what, patched in WRONG_NETWORKS.items():
        for _ in patched(detector.network):
            found[what] = detector.logit(given[None]).item()
    assert found == pytest.approx({what: wrong[what] for what in found}, abs=WITHIN)
    right = MODELS["224"]["images"][name]["logit"]
    assert [what for what, value in wrong.items() if abs(value - right) < 2 * WITHIN] == []
