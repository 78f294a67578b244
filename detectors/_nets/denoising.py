"""CycleISP's network for the noise in RGB pictures (Zamir et al., CVPR 2020), as it was published.

https://github.com/swz30/CycleISP. All its PReLUs are one: they share 64 slopes, which a file holds 33 times.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 64


class NoiseNetwork(nn.Module):
    """Maps pictures (n, 3, H, W) in [0, 1] to what is to be added to free them of noise, negated."""

    def __init__(self) -> None:
        super().__init__()
        slopes = nn.PReLU(CHANNELS)  # one for all; loading leaves it with the last of the file's 33
        self.head = nn.Sequential(_convolution(3, CHANNELS))
        groups = (_Group(slopes) for _ in range(4))
        self.body = nn.Sequential(*groups, _convolution(CHANNELS, CHANNELS), slopes)
        self.tail = nn.Sequential(_convolution(CHANNELS, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, H, W) to the same shape."""
        noise: Tensor = -self.tail(self.body(self.head(pictures)))
        return noise


class _Group(nn.Module):
    def __init__(self, slopes: nn.PReLU) -> None:
        super().__init__()
        blocks = (_Block(slopes) for _ in range(8))
        self.body = nn.Sequential(*blocks, _convolution(CHANNELS, CHANNELS))

    def forward(self, maps: Tensor) -> Tensor:
        """Add to maps (n, 64, H, W)."""
        added: Tensor = maps + self.body(maps)
        return added


class _Block(nn.Module):
    def __init__(self, slopes: nn.PReLU) -> None:
        super().__init__()
        self.SA = _Places()
        self.CA = _Channels()
        self.body = nn.Sequential(_convolution(CHANNELS, CHANNELS), slopes, _convolution(CHANNELS, CHANNELS))
        self.conv1x1 = nn.Conv2d(2 * CHANNELS, CHANNELS, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Add to maps (n, 64, H, W)."""
        found = self.body(maps)
        added: Tensor = maps + self.conv1x1(torch.cat([self.SA(found), self.CA(found)], 1))
        return added


class _Places(nn.Module):
    """Weighs places, by the highest and the mean value of their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = nn.ModuleDict({"conv": nn.Conv2d(2, 1, 3, padding=1, bias=False)})

    def forward(self, maps: Tensor) -> Tensor:
        both = torch.cat([maps.amax(1, keepdim=True), maps.mean(1, keepdim=True)], 1)
        weighted: Tensor = maps * self.spatial["conv"](both).sigmoid()
        return weighted


class _Channels(nn.Module):
    """Weighs channels, by their means."""

    def __init__(self) -> None:
        super().__init__()
        few = CHANNELS // 16
        self.conv_du = nn.Sequential(nn.Conv2d(CHANNELS, few, 1), nn.ReLU(), nn.Conv2d(few, CHANNELS, 1))

    def forward(self, maps: Tensor) -> Tensor:
        weighted: Tensor = maps * self.conv_du(maps.mean((2, 3), keepdim=True)).sigmoid()
        return weighted


def _convolution(given: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(given, made, 3, padding=1)
