"""LaDeDa's network: a ResNet-50 with two 3x3 convolutions among its blocks, so that it sees 9x9 pixels.

Cavia, Horwitz, Reiss, Hoshen (2024): networks/LaDeDa.py of
https://github.com/barcavia/RealTime-DeepfakeDetection-in-the-RealWorld, after Brendel and Bethge's BagNet.
"""

from __future__ import annotations

from torch import Tensor, nn


class LaDeDaNetwork(nn.Module):
    """The network; its entries have the published names, in their order. It pads nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 64, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, blocks=3, kernel=3, stride=2)
        self.layer2 = _stage(256, 128, blocks=4, kernel=3, stride=2)
        self.layer3 = _stage(512, 256, blocks=6, kernel=1, stride=2)
        self.layer4 = _stage(1024, 512, blocks=3, kernel=1, stride=1)
        self.fc = nn.Linear(2048, 1)

    def maps(self, residuals: Tensor) -> Tensor:
        """Map (n, 3, H, W) to what is seen of each patch, (n, 2048, h, w): of 256x256 pixels, 31x31."""
        maps = self.bn1(self.conv2(self.conv1(residuals))).relu()
        seen: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return seen

    def patch_logits(self, residuals: Tensor) -> Tensor:
        """Map (n, 3, H, W) to a logit of each patch, (n, h, w); their mean is the picture's."""
        logits: Tensor = self.fc(self.maps(residuals).movedim(1, -1))
        return logits.squeeze(-1)

    def forward(self, residuals: Tensor) -> Tensor:
        """Map (n, 3, H, W) to raw logits (n, 1)."""
        logits: Tensor = self.fc(self.maps(residuals).mean((2, 3)))
        return logits


class _Bottleneck(nn.Module):
    """A block of ResNet-50 with one size for the middle convolution, and no padding."""

    def __init__(self, given: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        made = 4 * width
        self.conv1 = nn.Conv2d(given, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, made, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(made)
        self.downsample: nn.Module | None = None
        if given != made:
            self.downsample = nn.Sequential(
                nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, given, H, W) to (n, 4 * width, H', W')."""
        seen = self.bn1(self.conv1(maps)).relu()
        seen = self.bn2(self.conv2(seen)).relu()
        seen = self.bn3(self.conv3(seen))
        shortcut = maps if self.downsample is None else self.downsample(maps)
        # What a 3x3 convolution without padding loses at all
        # four sides, the shortcut loses at the bottom and right.
        added: Tensor = (seen + shortcut[..., : seen.shape[2], : seen.shape[3]]).relu()
        return added


def _stage(given: int, width: int, *, blocks: int, kernel: int, stride: int) -> nn.Sequential:
    rest = (_Bottleneck(4 * width, width, kernel=1, stride=1) for _ in range(blocks - 1))
    return nn.Sequential(_Bottleneck(given, width, kernel, stride), *rest)
