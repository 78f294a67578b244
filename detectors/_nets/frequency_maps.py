"""FrePGAN's networks: a generator that changes a picture's spectrum, and the classifier of what it leaves.

Jeong, Kim, Ro, Choi (AAAI 2022); see `forenbench.detectors.frepgan` for what the paper says and what is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .cyclegan import Generator
from .widening import widened


class PerturbationMap(nn.Module):
    """G(x) = F⁻¹(H(F(x))): spectrum, an image-to-image network on its two parts, and back.

    Args:
        width: Channels of the network's first layer.
        blocks: Its residual blocks.
    """

    def __init__(self, width: int = 32, blocks: int = 6) -> None:
        super().__init__()
        self.network = Generator(6, width, blocks, bounded=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, H, W) to what is added to them; sides are multiples of 4."""
        # Orthonormal: noise has the same spread before and after, whatever the size of the picture.
        spectrum = torch.fft.fft2(pictures, norm="ortho")
        parts = torch.cat([spectrum.real, spectrum.imag], 1)
        # The zero frequency is some hundred times the others, and instance norm would leave these nothing.
        compressed = parts.sign() * parts.abs().log1p()
        real, imaginary = widened(self.network(compressed)).chunk(2, 1)
        # What H makes need not be the spectrum of a real picture: of its inverse, the real part is added.
        made: Tensor = torch.fft.ifft2(torch.complex(real, imaginary), norm="ortho").real
        return made


class PerturbedClassifier(nn.Module):
    """C(x + G(x)): a classifier of pictures to which their own maps are added.

    Args:
        perturbation: Makes the maps.
        classifier: From pictures (n, 3, H, W) to logits (n, 1).
    """

    def __init__(self, perturbation: PerturbationMap, classifier: nn.Module) -> None:
        super().__init__()
        self.perturbation = perturbation
        self.classifier = classifier

    def forward(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, H, W) to raw logits (n, 1)."""
        logits: Tensor = self.classifier(pictures + self.perturbation(pictures))
        return logits
