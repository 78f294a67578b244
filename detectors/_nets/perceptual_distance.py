"""LPIPS: how different two pictures look to a network, here by its second of five layers alone.

Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric"
(CVPR 2018), version 0.1; code and linear layers: https://github.com/richzhang/PerceptualSimilarity
(BSD-2-Clause).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .image_models import vgg_16
from .networks import Network
from .published import published

if TYPE_CHECKING:
    from torch import Tensor

    from forenbench.weights import Weights

RELU2_2 = 9
"""Modules of VGG16 up to this layer's end."""
_TINY = 1e-10
# The shift and scale of LPIPS: ImageNet's statistics for pixels in [-1, 1].
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)

VGG16 = Network(
    vgg_16, published("vgg16", {"features.0.weight": (64, 3, 3, 3), "classifier.6.weight": (1000, 4096)})
)
LINEAR = published(
    "lpips-vgg", {"lin1.model.1.weight": (1, 128, 1, 1), "lin4.model.1.weight": (1, 512, 1, 1)}
)


def _layers() -> nn.Module:
    # Behind the dropout of training, which has the number 0; all five are in the file, one is used.
    widths = (64, 128, 256, 512, 512)
    models = (nn.Sequential(nn.Identity(), nn.Conv2d(width, 1, 1, bias=False)) for width in widths)
    return nn.ModuleDict(
        {f"lin{number}": nn.ModuleDict({"model": model}) for number, model in enumerate(models)}
    )


LAYERS = Network(_layers, LINEAR)


class PerceptualDistance(nn.Module):
    """Squared differences of normalised features, weighed channel by channel.

    Attributes:
        features: Of VGG16, up to and with relu2_2.
        weighing: From 128 channels to one.
    """

    def __init__(self, features: nn.Module, weighing: nn.Module) -> None:
        super().__init__()
        self.features, self.weighing = features, weighing

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two times n pictures (n, 3, H, W) in [0, 1] to distances (n, 1, H // 2, W // 2)."""
        difference = self._normalised(first) - self._normalised(second)
        distances: Tensor = self.weighing(difference**2)
        return distances

    def _normalised(self, pictures: Tensor) -> Tensor:
        shift, scale = (pictures.new_tensor(values).view(3, 1, 1) for values in (_SHIFT, _SCALE))
        found: Tensor = self.features((pictures * 2 - 1 - shift) / scale)
        return found / (found.square().sum(1, keepdim=True).sqrt() + _TINY)


def perceptual_distance(weights: Weights) -> PerceptualDistance:
    """Load it, once per run.

    Raises:
        MissingWeights: A file is not on this machine.
        WrongWeights: It holds something else.
    """

    def load() -> PerceptualDistance:
        # Filled whole, so that the published file is loaded strictly; then the beginning alone is kept.
        vgg: nn.Module = VGG16.fill(weights)
        features = vgg.get_submodule("features")
        assert isinstance(features, nn.Sequential)
        return PerceptualDistance(features[:RELU2_2], LAYERS.fill(weights).get_submodule("lin1.model.1"))

    return weights.shared("LPIPS of VGG16, layer 2", load)


def in_eight_bits(pictures: Tensor) -> Tensor:
    """Give pictures of any numbers the 255 steps in [0, 1] that a file has; any shape.

    As torchvision makes PIL images of half-precision tensors: 255 times the value in that precision, and what
    is behind the point is cut off, not rounded.
    """
    levels = pictures.clamp(0, 1).half().mul(255).to(torch.uint8)
    return levels.to(pictures.dtype) / 255
