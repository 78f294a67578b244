"""How often two values of a colour meet at a fixed distance in a picture, and the network that judges it.

Nataraj, Mohammed, Manjunath, Chandrasekaran, Flenner, Bappy, Roy-Chowdhury, "Detecting GAN generated Fake
Images using Co-occurrence Matrices" (Electronic Imaging 2019): counts of neighbours in a row, raw. The
authors published no code. GRIP's reading of it is `normalization_Nataraj2019` in normalization.py and
networks/networks/Nataraj2019.py of https://github.com/grip-unina/DMimageDetection (non-profit use only):
pixels five columns apart, in either order, as shares of all pairs. Ours gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .widening import widened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

LEVELS = 256


def pair_counts(pixels: NDArray[np.uint8], offset: tuple[int, int]) -> NDArray[Any]:
    """Count the pairs of values of each channel.

    Args:
        pixels: (H, W, channels).
        offset: Rows and columns from the first pixel of a pair to the second.

    Returns:
        int64 (channels, 256, 256): first value, second value. All zero in a picture too small for a pair.
    """
    down, right = offset
    height, width, channels = pixels.shape
    first = pixels[: max(0, height - down), : max(0, width - right)].astype(np.int64)
    places = first * LEVELS + pixels[down:, right:] + np.arange(channels) * LEVELS**2
    counts = np.bincount(places.ravel(), minlength=channels * LEVELS**2)
    return counts.reshape(channels, LEVELS, LEVELS)


def adjacent(image: Image) -> Tensor:
    """Count neighbours in the rows of an RGB image, as the paper does: float32 (3, 256, 256)."""
    return torch.from_numpy(pair_counts(np.asarray(image), (0, 1))).float()


def five_apart(image: Image) -> Tensor:
    """Return the shares of pairs five columns apart, in either order, as GRIP does: float32 (3, 256, 256)."""
    counts = pair_counts(np.asarray(image), (0, 5))
    either = counts + counts.transpose(0, 2, 1)
    # scikit-image, which GRIP calls, divides by one where there is no pair.
    total = np.maximum(either.sum((1, 2), keepdims=True), 1)
    return torch.from_numpy(either / total).float()


class PairNetwork(nn.Module):
    """Nataraj et al.'s network as GRIP has it; its keys are GRIP's.

    Args:
        outputs: 2 at GRIP (real, generated), 1 in the paper (the logit of "generated").
        widths: Channels after each pair of convolutions.
        hidden: Numbers between the linear layers.
    """

    def __init__(self, outputs: int, widths: tuple[int, int, int] = (32, 64, 128), hidden: int = 256) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for given, made, stride in zip((3, *widths), widths, (2, 1, 1), strict=False):
            layers += [
                nn.Conv2d(given, made, 3, stride=stride, bias=False),
                nn.ReLU(),
                nn.Conv2d(made, made, 5, bias=False),
                nn.MaxPool2d(3, stride=2),
            ]
        # Nothing stands between the two linear layers, nor after a convolution of 5 × 5: so at GRIP.
        last = [nn.Linear(100 * widths[-1], hidden), nn.Linear(hidden, outputs)]
        self.main = nn.Sequential(*layers, nn.Flatten(), *last)

    def forward(self, pairs: Tensor) -> Tensor:
        """Map (n, 3, 256, 256) to (n, outputs)."""
        made: Tensor = self.main(pairs)
        return made


def small_pair_network() -> nn.Module:
    """Make the narrow one of the `sample` checkpoints, untrained: (n, 3, 256, 256) to (n, 1)."""
    return PairNetwork(1, (4, 8, 8), 16)


class Reading(NamedTuple):
    """One reading of the paper.

    Attributes:
        prepare: From one RGB image of any size to what the network sees.
        outputs: Of the network.
    """

    prepare: Callable[[Image], Tensor]
    outputs: int


READINGS = {"grip": Reading(five_apart, 2), "paper": Reading(adjacent, 1)}
"""By what variants and trainings call them."""


def generated(output: Tensor) -> Tensor:
    """Turn what the network makes (n, 1) or (n, 2) into the logit of "generated" (n,)."""
    # main.py of DMimageDetection takes class 1 less class 0 of whatever has two.
    output = widened(output)
    return output[:, -1] - output[:, 0] if output.shape[1] == 2 else output[:, 0]
