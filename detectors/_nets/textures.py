"""Gram-Net's network: ResNet-18's features beside the products of the channels of six of its layers.

Liu, Qi, Torr (CVPR 2020), as AIGCDetectBenchmark has it (networks/resnet_gram.py).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

TEXTURES = (
    ("interi", "gi_fc1", "gi_fc2", 3),
    ("inter0", "g0_fc1", "g0_fc2", 64),
    ("inter1", "g_fc1r", "g_fc2r", 64),
    ("inter2", "g2_fc1", "g2_fc2", 64),
    ("inter3", "g3_fc1", "g3_fc2", 128),
    ("inter4", "g4_fc1", "g4_fc2", 256),
)
"""Of each layer that is looked at: the published names of the three convolutions, and its channels."""


class GramNetwork(ResNet):  # type: ignore[misc]  # torchvision has no types
    """The network; its entries have the published names, in their order."""

    def __init__(self) -> None:
        super().__init__(BasicBlock, [2, 2, 2, 2])
        del self.fc
        self.scale = _Scale()
        self.fcnewr = nn.Sequential(nn.Linear(512 + 6 * 32, 512), nn.ReLU(), nn.Dropout(), nn.Linear(512, 1))
        for name, _, _, channels in TEXTURES:
            self.add_module(f"conv_{name}_0", _convolution(channels, 32, 1))
        for _, first, second, _ in TEXTURES:
            self.add_module(first, _convolution(1, 16, 2))
            self.add_module(second, _convolution(16, 32, 2))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, H, W) to raw logits (n, 1)."""
        first = self.bn1(self.conv1(pictures)).relu()
        maps = [pictures, first, self.maxpool(first)]
        for layer in (self.layer1, self.layer2, self.layer3):
            maps.append(layer(maps[-1]))
        seen = [self.layer4(maps[-1]).mean((2, 3))]
        for (name, one, other, _), given in zip(TEXTURES, maps, strict=True):
            channels = self.get_submodule(f"conv_{name}_0")(given).flatten(2)
            gram = torch.bmm(channels, channels.mT)[:, None] / (channels.shape[1] * channels.shape[2])
            texture = self.get_submodule(other)(self.get_submodule(one)(gram))
            seen.append(self.scale(texture.mean((2, 3))))
        logits: Tensor = self.fcnewr(torch.cat(seen, 1))
        return logits


class _Scale(nn.Module):
    """One factor for all textures, which the training chose."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        """Multiply; any shape."""
        return values * self.scale


def _convolution(given: int, made: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(given, made, 3, stride, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(made), nn.ReLU())
