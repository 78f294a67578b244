"""The auto-encoders whose artefacts stand for those of GANs in AutoGAN (Zhang et al., WIFS 2019).

Source: models/networks.py of the branch `auto_gan` of
https://github.com/spongezhang/pytorch-CycleGAN-and-pix2pix (BSD-2-Clause). With transposed convolutions it is
CycleGAN's generator; with nearest neighbours, ProGAN's way of doubling follows CycleGAN's residual blocks.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn

from .cyclegan import Generator, start

UPSAMPLERS = ("transposed", "nearest")
"""How a size is doubled: by CycleGAN's transposed convolutions, or by repeated pixels as in ProGAN."""


def auto_encoder(upsampler: str, width: int = 64, blocks: int = 9) -> nn.Module:
    """Make one with weights drawn as the official code does; maps (n, 3, H, W) in [-1, 1] to the same.

    Args:
        upsampler: One of `UPSAMPLERS`.
        width: Channels of the first layer.
        blocks: Residual blocks.

    Raises:
        ValueError: There is no such upsampler.
    """
    if upsampler not in UPSAMPLERS:
        raise ValueError(f"'{upsampler}' is none of {', '.join(UPSAMPLERS)}")
    network = Generator(width=width, blocks=blocks)
    if upsampler == "nearest":
        before = 10 + blocks  # a padding, three times three layers, the blocks
        doublings = [
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                _Scaled(wide, wide // 2),
                nn.LeakyReLU(0.2),
                _UnitLength(),
                _Scaled(wide // 2, wide // 2),
                _UnitLength(),
            )
            for wide in (4 * width, 2 * width)
        ]
        # The last convolution has one pixel here, where CycleGAN's has 7 × 7.
        last = nn.Conv2d(width, 3, 1)
        network.model = nn.Sequential(*network.model[:before], *doublings, last, nn.Tanh())
    start(network)
    return network


class _Scaled(nn.Module):
    """A convolution times a constant, then its bias: ProGAN's equalised learning rate.

    Args:
        given: Channels of the input.
        made: Of the output.
    """

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        fresh = nn.Conv2d(given, made, 3, padding=1)
        self.incoming = nn.Conv2d(given, made, 3, padding=1, bias=False)
        # The official bias keeps PyTorch's uniform start, for its layer's name has no "Conv" in it.
        self.bias = nn.Parameter(fresh.bias.detach())  # type: ignore[union-attr]
        # The official constant is the deviation of weights that He's rule draws, with the gain of a leaky
        # ReLU (1.387) passed for the slope; the weights themselves are then drawn anew. It is measured on a
        # sample, differently in each process, to 0.1 %; this is its expectation.
        gain = nn.init.calculate_gain("leaky_relu", 0.2)
        self.scale = sqrt(2 / (1 + gain**2) / (9 * given))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, given, H, W) to (n, made, H, W)."""
        scaled: Tensor = self.incoming(maps) * self.scale + self.bias[:, None, None]
        return scaled


class _UnitLength(nn.Module):
    """Divides each pixel's channels by the root of their mean square."""

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, c, H, W) to the same shape."""
        scaled: Tensor = maps * torch.rsqrt(maps.square().mean(1, keepdim=True) + 1e-8)
        return scaled
