"""The high-frequency component of a picture, which LGrad's baseline of section 4.3.3 judges.

The paper defines no filter. **Ours is x - G(x), G a Gaussian blur of 1 pixel**, mirrored at the edges: it
keeps half of what repeats every 5.3 pixels, and nearly all of what repeats faster, where up-sampling leaves
its traces. A Gaussian has no parameter but its width, no ringing, which a sharp cut of the Fourier spectrum
has, and no link between opposite edges.

The rest is LGrad's: pictures of 256² are filtered whole and stretched to 8 bits by their own extremes, as its
gradients are, so that its classifier and this one differ in nothing but the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gradients import to_pictures
from .pixels import PLAIN, Preprocess

if TYPE_CHECKING:
    from torch import Tensor

SIGMA = 1.0
_TAPS = 9
"""Four deviations to either side."""

FILTER = f"x - Gaussian blur of {SIGMA} pixels, stretched to 8 bits by its extremes (ours)"
"""For cards."""

WHOLE = Preprocess(PLAIN, resize=256)
"""Squashed to 256², as LGrad's pictures are."""


def high_frequencies(pixels: Tensor) -> Tensor:
    """Take the blurred picture from each of n pictures (n, 3, H, W), sides of 5 and more, any range."""
    from torchvision.transforms.functional import gaussian_blur

    blurred: Tensor = gaussian_blur(pixels, [_TAPS, _TAPS], [SIGMA, SIGMA])
    return pixels - blurred


def high_frequency_pictures(batch: Tensor) -> Tensor:
    """Turn pictures (n, 3, H, W) in [0, 1] into 8-bit ones of their high frequencies, each by itself."""
    # In 64ths of a level: what float32 leaves of an even picture is rounding, and would be stretched, too.
    return to_pictures((high_frequencies(batch * 255) * 64).round())
