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

_DEVIATION = 1e-4
"""Minibatch standard deviation of a single image: the square root of the published epsilon, 1e-8."""


class Scaled(nn.Module):
    """A convolution or matrix product whose file lacks He's factor ("equalised learning rate").

    The published code multiplies by the factor whenever it runs.

    Args:
        shape: Of the weight: (C', C, k, k), or (C', C).
        gain: A factor of the weight beside He's.
        bias: A factor of the bias; None: there is no bias.
    """

    def __init__(self, *shape: int, gain: float = sqrt(2), bias: float | None = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(*shape))
        self.bias = None if bias is None else nn.Parameter(torch.empty(shape[0]))
        # fan-in: input channels times the kernel's pixels.
        self.factors = gain / sqrt(prod(shape[1:])), bias or 1

    def fold(self) -> None:
        """Multiply the parameters by their factors, once and for all; what is computed stays the same."""
        weight, bias = self.scaled()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self.factors = 1, 1

    def scaled(self) -> tuple[Tensor, Tensor | None]:
        """Return the weight and the bias to compute with."""
        of_weight, of_bias = self.factors
        weight = self.weight if of_weight == 1 else self.weight * of_weight
        return weight, self.bias if self.bias is None or of_bias == 1 else self.bias * of_bias

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to as many pixels, or (n, C) to (n, C')."""
        weight, bias = self.scaled()
        if weight.ndim == 2:
            return functional.linear(x, weight, bias)
        return functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


def fold(network: nn.Module) -> None:
    """Fold the factors of a network into its parameters; of one that has none nothing changes.

    Weights of 92 MB are then no longer multiplied for every call.
    """
    for module in network.modules():
        if isinstance(module, Scaled):
            module.fold()


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

    def __init__(self, *shape: int) -> None:
        super().__init__(*shape)
        self.blur = Blur(shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H/2, W/2)."""
        # The published code convolves at every pixel and then averages 2×2 of them, in its two largest blocks
        # as one 4×4 convolution. Averages of neighbours commute with a convolution: taken first, at all
        # pixels and a border of zeros, they leave it every second pixel, a quarter of the products (of the
        # 4×4 one's, 9/16). The same up to rounding.
        means = functional.avg_pool2d(self.blur(x), 2, stride=1, padding=1)
        weight, bias = self.scaled()
        return activate(functional.conv2d(means, weight, bias, stride=2))


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
        halving: Makes the second convolution of a block, of a weight of this shape.
    """

    def __init__(self, halving: Callable[..., nn.Module]) -> None:
        super().__init__()
        # Training's progress through the resolutions; 0 in the published files: all of them, of which
        # `input0` alone is the way in. The other `input…` are there for strict loading.
        self.register_buffer("lod", torch.zeros(()))
        for block, (here, after) in enumerate(pairwise(CHANNELS)):
            self.add_module(f"input{block}", Scaled(here, 3, 1, 1))
            self.add_module(f"layer{2 * block}", Scaled(here, here, 3, 3))
            self.add_module(f"layer{2 * block + 1}", halving(after, here, 3, 3))
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
    """Apply the published leaky ReLU, in place: the memory of `x` becomes the result's."""
    return functional.leaky_relu_(x, 0.2)


def with_deviation(x: Tensor) -> Tensor:
    """Append the channel of the minibatch standard deviation that a single image has: (n, C + 1, H, W)."""
    # The official layer computes it over groups of up to four images; of one alone it is the root of epsilon,
    # with no gradient. In a group most values of a gradient picture would depend on the image's neighbours.
    return functional.pad(x, (0, 0, 0, 0, 0, 1), value=_DEVIATION)


def stylegan_256() -> Discriminator:
    """Make StyleGAN's discriminator, unfilled: 51 entries, 23 million parameters."""
    return Discriminator(BlurredHalving)


def pggan_256() -> Discriminator:
    """Make PGGAN's discriminator, unfilled: 45 entries, 23 million parameters."""
    return Discriminator(PlainHalving)
