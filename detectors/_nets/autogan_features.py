"""What AutoGAN's classifier sees of a picture: its spectrum, a band of it, pixels, or pairs of pixels.

Zhang, Karaman, Chang, "Detecting and Simulating Artifacts in GAN Fake Images" (WIFS 2019);
`GANDataset.__getitem__` in code/GAN_Detection_Train.py of https://github.com/ColumbiaDVMM/AutoGAN (BSD).
Channels are blue, green, red, for that code reads with OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from .pixel_pairs import pair_counts
from .pixels import PLAIN, SYMMETRIC, Preprocess, normalise

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

FEATURES = ("fft", "low", "mid", "high", "image", "comatrix")
"""The whole spectrum, three bands of it, the picture, its pairs of neighbours."""

CROP = 224
# Squashed, with Pillow's bilinear filter: the official code knows 256² alone. It brings some pictures there
# by OpenCV's bilinear filter, which does not smooth before it shrinks, and only those whose height is
# another.
SQUASHED = Preprocess(PLAIN, resize=256)


@dataclass(frozen=True)
class AutoGANView:
    """The feature of the central 224² of a picture squashed to 256².

    Attributes:
        feature: One of `FEATURES`.
    """

    feature: str

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into float32 (3, 224, 224); "comatrix": (3, 256, 256)."""
        return feature_of(SQUASHED.levels(image)[:, 16:240, 16:240], self.feature)


def feature_of(pixels: Tensor, feature: str) -> Tensor:
    """Compute a feature of RGB pixels, uint8 (3, H, W); bands need 224²."""
    blue_first = pixels.flip(0)
    if feature == "image":
        return normalise(blue_first, SYMMETRIC)
    if feature == "comatrix":
        # The official code has the option and imports what it takes, but no line that computes it: trained
        # so, it would see the picture. Ours are Nataraj et al.'s counts.
        rows = np.ascontiguousarray(blue_first.permute(1, 2, 0).numpy())
        return torch.from_numpy(pair_counts(rows, (0, 1))).float()
    whole = spectrum(blue_first)
    return whole if feature == "fft" else band(whole, feature)


def spectrum(pixels: Tensor) -> Tensor:
    """Return the scaled log spectrum of each channel, not shifted: uint8 (c, H, W) to float32 in [-1, 1].

    Its 5th percentile becomes -1, the 95th 1, and what lies beyond is cut off. GRIP's `normalization_fft` is
    the same.
    """
    # In double precision: NumPy before 2 computed in it whatever it was given, and today's agrees to 1e-5.
    levels = (torch.fft.fft2(pixels.double() / 255).abs() + 1e-3).log()
    low, high = torch.quantile(levels.flatten(1), levels.new_tensor([0.05, 0.95]), dim=1)[..., None, None]
    # A picture of one colour has nothing between the two: GRIP then divides by the smallest step of a float,
    # where AutoGAN's code makes NaN.
    step = torch.where(high > low, high - low, torch.finfo(torch.float64).eps)
    scaled: Tensor = ((levels - low) / step * 2 - 1).clamp(-1, 1).float()
    return scaled


def band(whole: Tensor, name: str) -> Tensor:
    """Keep "low", "mid" or "high" frequencies of a spectrum (c, 224, 224); others become 0."""
    # Zero is the middle of the range by now, and not "no energy"; the edges are the official ones, which lie
    # 55 and 64, 91 and 90 from the middle (112): not symmetric.
    centre, inner = torch.zeros(2, CROP, CROP, dtype=torch.bool)
    centre[57:177, 57:177] = True
    inner[21:203, 21:203] = True
    kept = {"low": centre, "mid": inner & ~centre, "high": ~inner}[name]
    masked: Tensor = whole * torch.fft.ifftshift(kept)
    return masked
