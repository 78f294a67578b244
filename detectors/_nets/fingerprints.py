"""FingerprintNet's parts: the spectrum that its detector sees, and an auto-encoder that leaves fingerprints.

Jeong, Kim, Ro, Kim, Choi (ECCV 2022); see `forenbench.detectors.fingerprintnet` for what is known and ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

UPSAMPLERS = ("nearest", "bilinear", "zeros")
"""How maps are doubled before a convolution; with zeros between, both are a transposed convolution."""

KERNELS = (3, 5, 7)
"""Sides of the convolutions that follow."""

DEPTH = 3
"""How often a picture is halved and doubled, at most."""


class Upsampling(NamedTuple):
    """One of `UPSAMPLERS` and the side of the kernel after it, one of `KERNELS`."""

    kind: str
    kernel: int


def log_spectrum(pictures: Tensor) -> Tensor:
    """Map pictures (n, 3, H, W) in [0, 1] to log-magnitudes of their spectra, (n, 3, H, W).

    The zero frequency is in the middle; each channel of each picture has mean 0 and deviation 1.
    """
    magnitudes = torch.fft.fftshift(torch.fft.fft2(pictures, norm="ortho"), dim=(-2, -1)).abs()
    # Half a step of 8 bits: what is smaller is rounding, and its logarithm could be minus infinity.
    logs = (magnitudes + 0.5 / 255).log()
    deviation, mean = torch.std_mean(logs, (-2, -1), keepdim=True, correction=0)
    standardised: Tensor = (logs - mean) / deviation.clamp(min=1e-3)  # an even picture has nearly none
    return standardised


class FingerprintGenerator(nn.Module):
    """An auto-encoder with a choice of up-samplers at each depth.

    Args:
        width: Channels at full size, at least 3; each halving doubles them.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        wide = [width << depth for depth in range(DEPTH + 1)]
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(wide[at], wide[at + 1], 4, stride=2, padding=1) for at in range(DEPTH)
        )
        # Each choice has weights of its own: shared ones would have to serve all, and reconstruct worse.
        self.up = nn.ModuleList(
            nn.ModuleDict(
                {
                    f"{kind}-{kernel}": nn.Conv2d(wide[at + 1], wide[at], kernel, padding=kernel // 2)
                    for kind in UPSAMPLERS
                    for kernel in KERNELS
                }
            )
            for at in range(DEPTH)
        )
        self.head = nn.Conv2d(width, 3, 3, padding=1)
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d):
                # Of two by two pixels, one is left between zeros, and a halving takes the mean.
                _pass_on(layer, 2 if layer.stride[0] == 2 or "zeros" in name else 1)

    def forward(self, pictures: Tensor, chosen: Sequence[Upsampling]) -> Tensor:
        """Reconstruct pictures (n, 3, H, W) in [0, 1], unbounded; sides are multiples of 8.

        Args:
            pictures: What is reconstructed.
            chosen: One for each doubling, from full size down: as many as there are halvings.
        """
        maps = self.stem(pictures).relu()
        for at in range(len(chosen)):
            maps = self.down[at](maps).relu()
        for at in reversed(range(len(chosen))):
            kind, kernel = chosen[at]
            maps = self.up[at].get_submodule(f"{kind}-{kernel}")(doubled(maps, kind)).relu()
        reconstructed: Tensor = self.head(maps)
        return reconstructed


@torch.no_grad()
def _pass_on(layer: nn.Conv2d, window: int) -> None:
    """Draw a layer's weights, but let its first three channels be its input's, summed over a square."""
    # The auto-encoder then begins with the picture, halved and doubled, instead of learning for thousands of
    # steps what a picture is: its fingerprints are there from the start.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    layer.weight[:3] = 0
    first = layer.kernel_size[0] // 2 + 1 - window
    for channel in range(3):
        square = layer.weight[channel, channel, first : first + window, first : first + window]
        square.fill_(1 / layer.stride[0] ** 2)


def doubled(maps: Tensor, kind: str) -> Tensor:
    """Double the sides of maps (n, c, H, W) in one of the ways of `UPSAMPLERS`."""
    if kind == "zeros":
        number, channels, height, width = maps.shape
        spread = maps.new_zeros(number, channels, 2 * height, 2 * width)
        spread[..., ::2, ::2] = maps
        return spread
    return functional.interpolate(maps, scale_factor=2, mode=kind)
