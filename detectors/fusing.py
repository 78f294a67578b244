"""Fusing (PSM): one ResNet-50 on the whole picture and on the six parts of it that it responds to most.

Ju, Jia, Ke, Xue, Nagano, Lyu, "Fusing Global and Local Features for Generalized AI-Synthesized Image
Detection" (ICIP 2022). Network and weights are those of AIGCDetectBenchmark, trained on ForenSynths' 20
classes: https://github.com/Ekko-zn/AIGCDetectBenchmark (no licence).

The whole picture is seen with its shorter side at 224 pixels, the central square of it; the parts, three of
224² and three of 112², are cut from the picture as it is, at places that the whole picture's features say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.fusing_network import SIDE, FusingNetwork
from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

if TYPE_CHECKING:
    from PIL.Image import Image

CHECKPOINT = published("fusing", {"fc1.weight": (128, 2048), "mha_list.2.fc2.weight": (128, 128)})
WHOLE = Preprocess(IMAGENET, resize=SIDE, crop=SIDE, squash=False)


class Fusing(LogitDetector):
    """A classifier with one logit on a picture and six parts of it."""

    variants: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"fusing:{variant}"
        self.network = Network(FusingNetwork, CHECKPOINT).load(weights, self.checkpoints)

    @staticmethod
    def prepare(image: Image) -> Tensor:
        """Make one vector: height, width, the small picture (3·224²) and the picture itself (3·H·W)."""
        # One tensor an image is what a `prepare` gives; pictures of any size cannot be stacked side by side.
        picture = Preprocess(IMAGENET)(image)
        size = torch.tensor(picture.shape[1:]).float()
        return torch.cat([size, WHOLE(image).flatten(), picture.flatten()])

    def logit(self, batch: Tensor) -> Tensor:
        """Map n prepared pictures to raw logits (n,)."""
        # Pictures of equal length may differ in shape: 384x512 and 512x384.
        return torch.cat([self.network(one).flatten() for one in batch])
