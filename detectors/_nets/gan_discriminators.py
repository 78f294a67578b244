"""The discriminators of PGGAN and StyleGAN for 256×256 images, with the keys of their published files.

Karras et al., "Progressive Growing of GANs" (ICLR 2018) and "A Style-Based Generator Architecture for GANs"
(CVPR 2019); the file format is that of genforce (https://github.com/genforce/genforce, MIT), which ported
NVIDIA's weights (CC BY-NC 4.0). Checked against the numbers of the official module in ``tests/golden``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (64, 128, 256, 512, 512, 512, 512)
"""Feature maps at 256, 128, …, 4 pixels."""

FUSED = 2
"""StyleGAN's two largest blocks convolve and average in one strided convolution."""

_DEVIATION = 1e-4
"""Minibatch standard deviation of a single image: the square root of the published epsilon, 1e-8."""


class Scaled(nn.Module):
    """A convolution or matrix product with He's factor applied when it runs ("equalised learning rate")."""

    def __init__(self, *shape: int, gain: float = sqrt(2), bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(*shape))
        self.bias = nn.Parameter(torch.empty(shape[0])) if bias else None
        # fan-in: input channels times the kernel's pixels. The
        # published file has the weights before this factor.
        self.factor = gain / sqrt(prod(shape[1:]))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to as many pixels, or (n, C) to (n, C')."""
        weight = self.weight * self.factor
        if weight.ndim == 2:
            return functional.linear(x, weight, self.bias)
        return functional.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class Blur(nn.Module):
    """A fixed 3×3 binomial blur of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # A buffer, for the published file has it: 16ths that float32 holds exactly.
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.kernel: Tensor
        self.register_buffer("kernel", torch.outer(row, row).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to the same shape."""
        return functional.conv2d(x, self.kernel, padding=1, groups=x.shape[1])


class BlurredHalving(Scaled):
    """StyleGAN's second convolution of a block: blur, convolve, halve the size, then activate."""

    def __init__(self, *shape: int, fused: bool) -> None:
        super().__init__(*shape)
        self.blur = Blur(shape[1])
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H/2, W/2)."""
        x = self.blur(x)
        if not self.fused:
            return activate(functional.avg_pool2d(super().forward(x), 2))
        # A 3×3 convolution followed by the mean of 2×2 pixels, as one 4×4
        # convolution: the mean of the kernel at its four shifts. Two steps would
        # give the same up to rounding, which 8-bit gradient pictures show.
        wide = functional.pad(self.weight * self.factor, (1, 1, 1, 1))
        kernel = (wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]) / 4
        return activate(functional.conv2d(x, kernel, self.bias, stride=2, padding=1))


class PlainHalving(Scaled):
    """PGGAN's second convolution of a block: convolve, activate, then halve the size."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H/2, W/2)."""
        return functional.avg_pool2d(activate(super().forward(x)), 2)


class Discriminator(nn.Module):
    """Scores images (n, 3, 256, 256) in [-1, 1]; every image as a batch of its own.

    The published code lets the images of a batch share their standard deviation; LGrad runs it with one image
    at a time, where that feature is a constant. So here it is constant for any batch.

    Args:
        halving: Makes the second convolution of the block with this index, of these shapes.
    """

    def __init__(self, halving: Callable[[int, tuple[int, ...]], nn.Module]) -> None:
        super().__init__()
        # Training's progress through the resolutions; 0 in the published files: all of them, of which
        # `input0` alone is the way in. The other `input…` are there for strict loading.
        self.register_buffer("lod", torch.zeros(()))
        for block, (here, after) in enumerate(pairwise(CHANNELS)):
            self.add_module(f"input{block}", Scaled(here, 3, 1, 1))
            self.add_module(f"layer{2 * block}", Scaled(here, here, 3, 3))
            self.add_module(f"layer{2 * block + 1}", halving(block, (after, here, 3, 3)))
        last = CHANNELS[-1]
        self.add_module("input6", Scaled(last, 3, 1, 1))
        self.layer12 = Scaled(last, last + 1, 3, 3)
        self.layer13 = Scaled(last, last * 16)
        self.layer14 = Scaled(1, last, gain=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images to raw scores (n, 1)."""
        x = activate(self.get_submodule("input0")(images))
        for block in range(len(CHANNELS) - 1):
            x = activate(self.get_submodule(f"layer{2 * block}")(x))
            x = self.get_submodule(f"layer{2 * block + 1}")(x)
        x = activate(self.layer12(with_deviation(x))).flatten(1)
        scores: Tensor = self.layer14(activate(self.layer13(x)))
        return scores


def activate(x: Tensor) -> Tensor:
    """Apply the published leaky ReLU."""
    return functional.leaky_relu(x, 0.2)


def with_deviation(x: Tensor) -> Tensor:
    """Append the channel of the minibatch standard deviation that a single image has: (n, C + 1, H, W)."""
    # The official layer computes it over groups of up to four images; of one alone it is the root of epsilon,
    # with no gradient. In a group most values of a gradient picture would depend on the image's neighbours.
    return functional.pad(x, (0, 0, 0, 0, 0, 1), value=_DEVIATION)


def stylegan_256() -> Discriminator:
    """Make StyleGAN's discriminator, unfilled: 51 entries, 23 million parameters."""
    return Discriminator(lambda block, shape: BlurredHalving(*shape, fused=block < FUSED))


def pggan_256() -> Discriminator:
    """Make PGGAN's discriminator, unfilled: 45 entries, 23 million parameters."""
    return Discriminator(lambda block, shape: PlainHalving(*shape))
