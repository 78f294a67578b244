"""Gram-Net: a ResNet-18 that looks at textures, too, as products of the channels of six of its layers.

Liu, Qi, Torr, "Global Texture Enhancement for Fake Face Detection in the Wild" (CVPR 2020). The network is
the authors' as AIGCDetectBenchmark has it; the weights are that benchmark's, trained on ForenSynths' 20
classes: https://github.com/Ekko-zn/AIGCDetectBenchmark (no licence).

That benchmark's default scales the shorter side to 256 pixels and sees the central 224. Its README evaluates
without either: the variant with `-full` sees the whole picture as it is.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixels import AIGCDETECT, IMAGENET, Preprocess
from ._nets.published import published

CHECKPOINT = published("gramnet", {"conv_interi_0.0.weight": (32, 3, 3, 3), "fcnewr.3.weight": (1, 512)})


class GramNet(LogitDetector):
    """A classifier with one logit on pixels and textures."""

    variants: ClassVar = {"published": ("progan", "progan-full")}
    rows: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (CHECKPOINT,), "progan-full": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"gramnet:{variant}"
        self.prepare = Preprocess(IMAGENET) if variant.endswith("-full") else AIGCDETECT
        self.network = Network(network, CHECKPOINT).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


def network() -> nn.Module:
    """Make the network, whose code needs torchvision's, unfilled."""
    from ._nets.textures import GramNetwork

    return GramNetwork()
