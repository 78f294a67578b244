"""CO-SPY: what a picture shows and what its pixels betray, each judged by itself, and a layer on both logits.

Cheng, Lyu, Wang, Zhang, Sehwag, "CO-SPY: Combining Semantic and Pixel Features to Detect Synthetic Images by
AI" (CVPR 2025). Code and weights: https://github.com/Megum1/CO-SPY (MIT).

`progan` looks through OpenAI's CLIP ViT-L/14 and at NPR's differences of neighbouring pixels; `sd14` through
SigLIP SO400M and at what Stable Diffusion's autoencoder cannot rebuild. The frozen towers are not in the
authors' files, the autoencoder is. Co-Spy-Bench first saves every picture as JPEG of quality 95.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Checkpoint, Weights

from ._nets.artifact_networks import NeighbourArtifacts, RebuildingArtifacts
from ._nets.encoders import BACKBONES
from ._nets.image_models import of_siglip, siglip_so400m
from ._nets.networks import Network
from ._nets.pixels import CLIP, PLAIN, SYMMETRIC, Preprocess, Statistics
from ._nets.published import published

SIGLIP = published("siglip-so400m-384", {"visual.trunk.pos_embed": (1, 729, 1152)})


def layer(name: str, width: int) -> Network:
    """Describe a linear layer to one logit, with the names of the authors' files."""
    checkpoint = published(name, {"fc.weight": (1, width)})
    return Network(lambda: nn.Sequential(OrderedDict(fc=nn.Linear(width, 1))), checkpoint)


def artifacts(name: str, build: type[nn.Module], mark: str, shape: tuple[int, ...]) -> Network:
    """Describe a network for artefacts; the mark tells the two models' files apart."""
    return Network(build, published(name, {f"artifact_encoder.{mark}": shape, "fc.weight": (1, 512)}))


@dataclass(frozen=True)
class Recipe:
    """One of the two models.

    Attributes:
        prepare: Gives pictures in [0, 1].
        statistics: Of the tower's input.
        tower: Looks at what a picture shows.
        semantic: A layer on the tower's features.
        artifact: Looks at the pixels.
        fusion: A layer on the logits of the last two, in this order.
    """

    prepare: Preprocess
    statistics: Statistics
    tower: Network
    semantic: Network
    artifact: Network
    fusion: Network

    @property
    def networks(self) -> tuple[Network, Network, Network, Network]:
        """All that files fill."""
        return self.tower, self.semantic, self.artifact, self.fusion


RECIPES: Mapping[str, Recipe] = {
    "progan": Recipe(
        Preprocess(PLAIN, resize=256, crop=224, squash=False),
        CLIP,
        BACKBONES["clip-vit-l14"].network,
        layer("cospy-progan-semantic", 768),
        artifacts("cospy-progan-artifact", NeighbourArtifacts, "fc1.weight", (1, 512)),
        layer("cospy-progan-fusion", 2),
    ),
    "sd14": Recipe(
        Preprocess(PLAIN, resize=384, crop=384, squash=False),
        SYMMETRIC,
        Network(siglip_so400m, SIGLIP, of_siglip),
        layer("cospy-sd14-semantic", 1152),
        artifacts("cospy-sd14-artifact", RebuildingArtifacts, "vae.quant_conv.weight", (8, 8, 1, 1)),
        layer("cospy-sd14-fusion", 2),
    ),
}
NEEDS: Mapping[str, tuple[Checkpoint, ...]] = {
    variant: tuple(network.checkpoint for network in recipe.networks) for variant, recipe in RECIPES.items()
}


class CoSpy(LogitDetector):
    """One logit of meaning, one of artefacts, and their weighted sum."""

    variants: ClassVar = {"published": tuple(RECIPES)}
    needs: ClassVar = NEEDS
    checkpoints: ClassVar = tuple(file for files in NEEDS.values() for file in files)
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        recipe = RECIPES[variant]
        self.name = f"cospy:{variant}"
        self.trained_on = ("progan",) if variant == "progan" else ("coco", "sd-v1.4")
        self.prepare, self.statistics = recipe.prepare, recipe.statistics
        self.tower, self.semantic, self.artifact, self.fusion = (
            network.load(weights, self.checkpoints) for network in recipe.networks
        )

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, H, W) in [0, 1] to raw logits (n,)."""
        from torchvision.transforms.functional import normalize

        seen = normalize(batch, list(self.statistics.mean), list(self.statistics.std))
        # The logits as they are: their sigmoids would make another score (see the card).
        branches = torch.cat([self.semantic(self.tower(seen)), self.artifact(batch)], dim=1)
        logits: Tensor = self.fusion(branches)
        return logits.squeeze(1)
