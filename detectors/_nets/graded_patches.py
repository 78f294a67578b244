"""AIDE's input: a picture's plainest and busiest patches, by their cosine transform, and its whole.

Yan et al., "A Sanity Check for AI-generated Image Detection" (ICLR 2025). The authors' code:
https://github.com/shilinyan99/AIDE (MIT), data/dct.py and `TestDataset` in data/datasets.py.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

from .pixels import IMAGENET, PLAIN, Preprocess

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

SIDE, STRIDE = 32, 16
BANDS = 6


def five_inputs(image: Image) -> Tensor:
    """Enlarge four patches of an RGB image, and scale its whole, to 256 pixels.

    Returns:
        Float32 (5, 3, 256, 256), with ImageNet's statistics: the patch with the lowest grade, that with the
        highest, the second lowest, the second highest, and the whole picture, squashed.
    """
    from torchvision.transforms.functional import normalize

    pixels = Preprocess(PLAIN)(image)
    # The official code fails on a picture with a side shorter than a patch; here it is laid out side by side.
    large = pixels.repeat(1, *(-(-SIDE // length) for length in pixels.shape[1:]))
    # The patches there come out of a transform and its inverse: the same but for rounding.
    every = patches(large)
    views = [every[:, *divmod(place, every.shape[2])] for place in chosen(grades(large))] + [pixels]
    # As the torchvision that the authors pin does it with tensors: without smoothing, which only matters for
    # the whole picture.
    scaled = [interpolate(one[None], (256, 256), mode="bilinear", antialias=False)[0] for one in views]
    inputs: Tensor = normalize(torch.stack(scaled), list(IMAGENET.mean), list(IMAGENET.std), inplace=True)
    return inputs


def patches(pixels: Tensor) -> Tensor:
    """View a picture (3, H, W) as its overlapping patches (3, rows, columns, 32, 32)."""
    # What is left to the right and below is not looked at.
    return pixels.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE)


def grades(pixels: Tensor) -> Tensor:
    """Say how busy each patch is, row by row: (rows * columns,).

    Args:
        pixels: (3, H, W) in [0, 1]; in [0, 255] other patches would be chosen.
    """
    transform, weights = _matrices()
    # A row of patches at a time: those of a large photograph take four times its memory at once, and again
    # for every step.
    found = [
        (weights * (transform @ row @ transform.T).abs().add(1).log()).sum((0, 2, 3))
        for row in patches(pixels).unbind(1)
    ]
    return torch.cat(found)


def chosen(grades: Tensor) -> tuple[int, int, int, int]:
    """Return the places of the lowest grade, the highest, the second lowest and the second highest."""
    # Of equal grades, as in flat areas, the official code takes any; this the first of the lowest.
    order = grades.sort(stable=True).indices.tolist()
    second = min(1, len(order) - 1)
    return order[0], order[-1], order[second], order[-1 - second]


@cache
def _matrices() -> tuple[Tensor, Tensor]:
    """Make the orthonormal cosine transform of 32 numbers, and the weights of coefficients in a grade."""
    place = torch.arange(SIDE, dtype=torch.float64)
    waves = torch.cos((place + 0.5) * place[:, None] * math.pi / SIDE) * math.sqrt(2 / SIDE)
    waves[0] = math.sqrt(1 / SIDE)
    # Each band's mean counts twice the one before.
    frequency, width = place + place[:, None], 2 * SIDE / BANDS
    weights = torch.zeros(SIDE, SIDE)
    for band in range(BANDS):
        # Both ends belong to a band: i + j = 32 is in two. Three channels are divided by the size of one.
        inside = ((frequency >= width * band) & (frequency <= width * (band + 1))).float()
        weights += 2**band * inside / inside.sum()
    return waves.float(), weights
