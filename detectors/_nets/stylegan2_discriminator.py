"""The discriminator of StyleGAN2 (config F) for 256×256 images, with the keys of its published file.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (CVPR 2020); the file format is that of
genforce (https://github.com/genforce/genforce, MIT), which ported NVIDIA's weights.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from .gan_discriminators import Scaled, activate, with_deviation

CHANNELS = (128, 256, 512, 512, 512, 512, 512)
"""Feature maps at 256, 128, …, 4 pixels."""


class Lowpass(nn.Module):
    """The fixed 4×4 binomial filter that goes before every halving."""

    def __init__(self) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.kernel: Tensor
        self.register_buffer("kernel", torch.outer(row, row)[None, None])

    def forward(self, x: Tensor, padding: int) -> Tensor:
        """Map (n, C, H, W) to (n, C, H', W'), H' = H + 2 × padding - 3."""
        # One kernel in the file; expanded without memory, so that each channel is filtered by itself.
        channels = x.shape[1]
        return functional.conv2d(x, self.kernel.expand(channels, 1, 4, 4), padding=padding, groups=channels)


class FilteredHalving(Scaled):
    """Filter, then convolve at every second pixel; no activation."""

    def __init__(self, *shape: int, bias: bool = True) -> None:
        super().__init__(*shape, gain=1, bias=bias)
        self.filter = Lowpass()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H/2, W/2)."""
        # Padded for the filter and the convolution at once, whose own padding is none.
        x = self.filter(x, padding=(self.weight.shape[-1] + 1) // 2)
        return functional.conv2d(x, self.weight * self.factor, self.bias, stride=2)


class Discriminator(nn.Module):
    """Scores images (n, 3, 256, 256) in [-1, 1]; every image as a batch of its own.

    A residual network; as in `gan_discriminators`, the minibatch deviation is that of a single image.
    """

    def __init__(self) -> None:
        super().__init__()
        self.input0 = Scaled(CHANNELS[0], 3, 1, 1, gain=1)
        for block, (here, after) in enumerate(pairwise(CHANNELS)):
            self.add_module(f"layer{2 * block}", Scaled(here, here, 3, 3, gain=1))
            self.add_module(f"layer{2 * block + 1}", FilteredHalving(after, here, 3, 3))
            self.add_module(f"skip_layer{block}", FilteredHalving(after, here, 1, 1, bias=False))
        last = CHANNELS[-1]
        self.layer12 = Scaled(last, last + 1, 3, 3, gain=1)
        self.layer13 = Scaled(last, last * 16, gain=1)
        self.layer14 = Scaled(1, last, gain=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to raw scores (n, 1)."""
        x = _activate(self.input0(images))
        for block in range(len(CHANNELS) - 1):
            skipped = self.get_submodule(f"skip_layer{block}")(x)
            x = _activate(self.get_submodule(f"layer{2 * block}")(x))
            x = _activate(self.get_submodule(f"layer{2 * block + 1}")(x))
            x = (x + skipped) / sqrt(2)  # keeps the variance of two sums
        x = _activate(self.layer12(with_deviation(x))).flatten(1)
        scores: Tensor = self.layer14(_activate(self.layer13(x)))
        return scores


def _activate(x: Tensor) -> Tensor:
    """Apply the leaky ReLU that keeps the variance: He's gain sits here, not in the weights."""
    return activate(x) * sqrt(2)


def stylegan2_256() -> Discriminator:
    """Make StyleGAN2's discriminator, unfilled: 50 entries, 28.9 million of them trained."""
    return Discriminator()
