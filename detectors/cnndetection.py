"""CNNDetection: a ResNet-50 trained on ProGAN images with blur and JPEG augmentation.

Wang et al., "CNN-generated images are surprisingly easy to spot… for now" (CVPR 2020).
Code and weights: https://github.com/PeterWang512/CNNDetection (CC BY-NC-SA 4.0). The weights file is a dict
with `model`, `optimizer` and `total_steps`; a bare state dict is read too.

Images are never resized. The paper's tables see the central 224 pixels (black around smaller pictures);
a variant with `-full` sees the whole picture, as the official demo does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Checkpoint, Weights

from ._nets.networks import RESNET_50, Network, resnet_50, shipped
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.small import small_resnet

if TYPE_CHECKING:
    from torch import Tensor

FULL = "-full"


def _published(probability: str) -> Network:
    checkpoint = Checkpoint(
        name=f"cnndetection-{probability}",
        file=f"blur_jpg_prob{probability}.pth",
        source="weights/download_weights.sh of https://github.com/PeterWang512/CNNDetection",
        licence="CC BY-NC-SA 4.0",
        marks=RESNET_50,
    )
    return Network(resnet_50, checkpoint, key="model")


NETWORKS = {
    "blur_jpg_prob0.5": _published("0.5"),
    "blur_jpg_prob0.1": _published("0.1"),
    "small": Network(small_resnet, shipped("cnndetection")),
}


class CNNDetection(LogitDetector):
    """A classifier with one logit on the picture itself."""

    rows: ClassVar = {"published": ("blur_jpg_prob0.5", "blur_jpg_prob0.1"), "sample": ("small",)}
    variants: ClassVar = {kind: (*names, *(name + FULL for name in names)) for kind, names in rows.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"cnndetection:{variant}"
        self.prepare = Preprocess(IMAGENET, crop=None if variant.endswith(FULL) else 224)
        self.network = NETWORKS[variant.removesuffix(FULL)].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
