"""Tiny-LaDeDa: four small convolutions that see how pixels differ from their neighbours; 1,297 numbers.

Cavia, Horwitz, Reiss, Hoshen, "Real-Time Deepfake Detection in the Real-World" (2024). Code and weights:
https://github.com/barcavia/RealTime-DeepfakeDetection-in-the-RealWorld (Software Research License, research
use only). The weights were distilled from the larger LaDeDa, trained on ForenSynths' ProGAN images.

Pictures are squashed to 256². From each pixel the top left one of its 2x2 block is subtracted (Tan et al.'s
NPR, without their factor of 2/3). The released code's default is a diagonal gradient in its place; with that
these weights tell nothing apart.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixel_residuals import block_residual
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

CHECKPOINT = published("tiny-ladeda", {"conv1.weight": (8, 3, 1, 1), "fc.weight": (1, 8)})


class TinyLaDeDa(LogitDetector):
    """A classifier with one logit on differences between neighbouring pixels."""

    variants: ClassVar = {"published": ("forensynths",)}
    needs: ClassVar = {"forensynths": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)
    prepare = Preprocess(IMAGENET, resize=256)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"tiny-ladeda:{variant}"
        self.network = Network(_TinyNetwork, CHECKPOINT).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 256, 256) to raw logits (n,)."""
        logits: Tensor = self.network(block_residual(batch))
        return logits.squeeze(1)


class _TinyNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        # Names, widths and missing paddings are the file's: `layer1` is a list of one block there, too.
        self.conv1 = nn.Conv2d(3, 8, 1, bias=False)
        self.conv2 = nn.Conv2d(8, 8, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(_Block())
        self.fc = nn.Linear(8, 1)

    def forward(self, differences: Tensor) -> Tensor:
        """Map (n, 3, H, W) to raw logits (n, 1)."""
        maps = self.layer1(self.bn1(self.conv2(self.conv1(differences))).relu())
        logits: Tensor = self.fc(maps.mean((2, 3)))
        return logits


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, bias=False)
        self.bn2 = nn.BatchNorm2d(8)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, 8, H, W) to half the size, (n, 8, H', W')."""
        halved: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(maps)).relu()))
        return halved.relu()
