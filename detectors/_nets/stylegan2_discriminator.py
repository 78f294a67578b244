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

    def forward(self, x: Tensor, padding: int, stride: int) -> Tensor:
        """Map (n, C, H, W) to every `stride`-th of H + 2 × padding - 3 rows, and so of columns."""
        # One kernel in the file; expanded without memory, so that each channel is filtered by itself.
        channels = x.shape[1]
        kernel = self.kernel.expand(channels, 1, 4, 4)
        return functional.conv2d(x, kernel, stride=stride, padding=padding, groups=channels)


class FilteredHalving(Scaled):
    """Filter, then convolve at every second pixel; no activation."""

    def __init__(self, *shape: int, gain: float, bias: float | None = 1) -> None:
        super().__init__(*shape, gain=gain, bias=bias)
        self.filter = Lowpass()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H/2, W/2)."""
        weight, bias = self.scaled()
        size = weight.shape[-1]
        # Padded for the filter and the convolution at once, whose own padding is none. One that sees a single
        # pixel needs no others, so that they are not filtered either.
        filtered = self.filter(x, padding=(size + 1) // 2, stride=2 if size == 1 else 1)
        return functional.conv2d(filtered, weight, bias, stride=1 if size == 1 else 2)


class Discriminator(nn.Module):
    """Scores images (n, 3, 256, 256) in [-1, 1]; every image as a batch of its own.

    A residual network; as in `gan_discriminators`, the minibatch deviation is that of a single image.

    The published code multiplies every activated value by √2, which keeps their variance, and divides the
    sum at the end of a block by √2. A leaky ReLU lets positive factors through, so that these are factors of
    weights and biases here: √2 before an activation, none where both meet.
    """

    def __init__(self) -> None:
        super().__init__()
        kept = {"gain": sqrt(2), "bias": sqrt(2)}
        self.input0 = Scaled(CHANNELS[0], 3, 1, 1, **kept)
        for block, (here, after) in enumerate(pairwise(CHANNELS)):
            self.add_module(f"layer{2 * block}", Scaled(here, here, 3, 3, **kept))
            self.add_module(f"layer{2 * block + 1}", FilteredHalving(after, here, 3, 3, gain=1))
            skip = FilteredHalving(after, here, 1, 1, gain=sqrt(0.5), bias=None)
            self.add_module(f"skip_layer{block}", skip)
        last = CHANNELS[-1]
        self.layer12 = Scaled(last, last + 1, 3, 3, **kept)
        self.layer13 = Scaled(last, last * 16, **kept)
        self.layer14 = Scaled(1, last, gain=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to raw scores (n, 1)."""
        x = activate(self.input0(images))
        for block in range(len(CHANNELS) - 1):
            skipped = self.get_submodule(f"skip_layer{block}")(x)
            x = activate(self.get_submodule(f"layer{2 * block}")(x))
            x = activate(self.get_submodule(f"layer{2 * block + 1}")(x)) + skipped
        x = activate(self.layer12(with_deviation(x))).flatten(1)
        scores: Tensor = self.layer14(activate(self.layer13(x)))
        return scores


def stylegan2_256() -> Discriminator:
    """Make StyleGAN2's discriminator, unfilled: 50 entries, 28.9 million of them trained."""
    return Discriminator()
