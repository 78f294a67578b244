"""AIDE's network: two ResNets on the noise of patches, and a ConvNeXt of CLIP's kind on the whole picture.

The authors' code: https://github.com/shilinyan99/AIDE (MIT), models/AIDE.py. Names are those of its file, in
their order.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import nn

from .pixels import CLIP, IMAGENET

if TYPE_CHECKING:
    from torch import Tensor


class AideNetwork(nn.Module):
    """Two classes, real and generated.

    Args:
        trunk: What timm calls the ConvNeXt; the published file has the largest of them.
    """

    def __init__(self, trunk: str = "convnext_xxlarge") -> None:
        from timm import create_model

        super().__init__()
        # 30 fixed filters, the same for red, green and blue, that stand in the file as they are.
        self.hpf = nn.Sequential(OrderedDict(hpf=nn.Conv2d(3, 30, 5, padding=2, bias=False)))
        self.model_min, self.model_max = _noise_resnet(), _noise_resnet()
        self.fc = nn.Sequential(
            OrderedDict(fc1=nn.Linear(2048 + 256, 1024), act=nn.GELU(), fc2=nn.Linear(1024, 2))
        )
        self.openclip_convnext_xxl = create_model(trunk, num_classes=0)
        self.convnext_proj = nn.Sequential(nn.Linear(self.openclip_convnext_xxl.num_features, 256))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map n pictures' five inputs (n, 5, 3, 256, 256) to the logits of real and generated, (n, 2)."""
        lowest, highest, low, high, whole = inputs.unbind(1)
        patches = [self.noise_features(self.model_min, one) for one in (lowest, low)]
        patches += [self.noise_features(self.model_max, one) for one in (highest, high)]
        seen = self.convnext_proj(self.maps(with_clips_statistics(whole)).mean((2, 3)))
        logits: Tensor = self.fc(torch.cat([seen, torch.stack(patches).mean(0)], dim=1))
        return logits

    def noise_features(self, resnet: nn.Module, images: Tensor) -> Tensor:
        """Map patches (n, 3, 256, 256) to the average of the last maps of their noise (n, 2048)."""
        maps: Tensor = self.hpf(images)
        # All but the last layer, whose thousand classes are in the file and judge nothing.
        for layer in list(resnet.children())[:-1]:
            maps = layer(maps)
        return maps.flatten(1)

    def maps(self, images: Tensor) -> Tensor:
        """Map whole pictures (n, 3, 256, 256) with CLIP's statistics to the trunk's maps (n, 3072, 8, 8)."""
        trunk = self.openclip_convnext_xxl
        # The norm comes before the average here, position by position, and not after it as in timm.
        normed: Tensor = trunk.head.norm(trunk.forward_features(images))
        return normed


def with_clips_statistics(images: Tensor) -> Tensor:
    """Turn pictures (n, 3, H, W) that have ImageNet's statistics into such that have CLIP's."""
    (mean, std), (clip_mean, clip_std) = (
        [
            torch.tensor(values, device=images.device, dtype=images.dtype)[:, None, None]
            for values in statistics
        ]
        for statistics in (IMAGENET, CLIP)
    )
    return images * (std / clip_std) + (mean - clip_mean) / clip_std


def _noise_resnet() -> nn.Module:
    from torchvision.models import resnet50

    network: nn.Module = resnet50()
    network.conv1 = nn.Conv2d(30, 64, 7, stride=2, padding=3, bias=False)
    return network
