"""The encoder of in-domain GAN inversion for 256×256 images, with the keys of its published file.

Zhu et al., "In-Domain GAN Inversion for Real Image Editing" (ECCV 2020); the file format is that of
https://github.com/genforce/idinvert_pytorch. A residual network whose blocks halve the size; it maps an image
to one latent code for each of the 14 layers of a StyleGAN generator.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from .gan_discriminators import activate

WIDTHS = (64, 128, 256, 512, 1024, 1024, 1024)
"""Feature maps at 256, 128, …, 4 pixels."""

CODES = 14 * 512
"""Numbers in the codes of one image."""


class Normalised(nn.Module):
    """Batch normalisation, one level deeper in the file's keys: `bn.bn.weight`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (n, C, H, W)."""
        normalised: Tensor = self.bn(x)
        return normalised


class Bias(nn.Module):
    """A number added to each channel; the file keeps it apart from the convolution's weight."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (n, C, H, W)."""
        return x + self.bias[:, None, None]


class First(nn.Module):
    """A convolution of the image, normalised and activated."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn = Normalised(WIDTHS[0])

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 3, H, W) to (n, C, H, W)."""
        return activate(self.bn(self.conv(images)))


class Residual(nn.Module):
    """Two convolutions beside a shortcut, which is itself a convolution where the width changes.

    The official code divides by He's factor and multiplies by it at once: it does not act on the weights.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        # As the file has it: no shortcut's weights where the width stays.
        self.widens = before != after
        if self.widens:
            self.conv = nn.Conv2d(before, after, 1, bias=False)
            self.bn = Normalised(after)
        self.conv1 = nn.Conv2d(before, before, 3, padding=1, bias=False)
        self.wscale1, self.bn1 = Bias(before), Normalised(before)
        self.conv2 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.wscale2, self.bn2 = Bias(after), Normalised(after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, H, W) to (n, C', H, W)."""
        shortcut = activate(self.bn(self.conv(x))) if self.widens else x
        x = activate(self.bn1(self.wscale1(self.conv1(x))))
        return activate(self.bn2(self.wscale2(self.conv2(x)))) + shortcut


class Last(nn.Module):
    """The matrix product that gives the codes, with He's factor (gain 1), normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(WIDTHS[-1] * 16, CODES, bias=False)
        self.bn = Normalised(CODES)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, C, 4, 4) to (n, 7168)."""
        # Here the factor does act, in contrast to the blocks:
        # it is applied to the output, before the normalisation.
        codes = self.fc(x.flatten(1)) / sqrt(self.fc.in_features)
        normalised: Tensor = self.bn(codes[..., None, None])
        return normalised.flatten(1)


class InversionEncoder(nn.Module):
    """Maps images (n, 3, 256, 256) in [-1, 1] to codes (n, 7168): 14 of 512 numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.block0 = First()
        for block, (before, after) in enumerate(pairwise(WIDTHS), start=1):
            self.add_module(f"block{block}", Residual(before, after))
        self.block7 = Last()

    def forward(self, images: Tensor) -> Tensor:
        """Map images to codes."""
        x = self.block0(images)
        for block in range(1, len(WIDTHS)):
            x = self.get_submodule(f"block{block}")(functional.avg_pool2d(x, 2))
        codes: Tensor = self.block7(x)
        return codes


def idinvert_256() -> InversionEncoder:
    """Make the encoder, unfilled: 165 million parameters."""
    return InversionEncoder()
