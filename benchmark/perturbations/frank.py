"""Frank et al.'s random perturbations, which LGrad's Table 4 follows: each changes every second image.

Frank et al., "Leveraging Frequency Analysis for Deep Fake Image Recognition" (ICML 2020); official code:
``create_perturbed_imagedata.py`` of https://github.com/RUB-SysSec/GANDCTAnalysis. Where the two differ:

* Noise: the drawn number is the standard deviation (code; the paper calls it the variance), and sums are cut
  off, not rounded, to 8 bits (code).
* JPEG: the drawn quality is used (paper; the code draws it without using it, so that OpenCV's 95 applies).
* Combined: one of the four for each image, as LGrad's numbers suggest too. The code takes them in turn; here
  each image draws its own, so that its pixels do not depend on its place in a list.
* Cropping: pictures that are not square keep their sides (the code swaps them), and Pillow's bicubic filter
  takes the place of OpenCV's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from forenbench.images import recompress

from .filters import strips

if TYPE_CHECKING:
    from forenbench.draws import Draw

    Change = Callable[[Image.Image, Draw], Image.Image]

PROBABILITY = 0.5
_SIGMA = 4.0
"""OpenCV's constant BORDER_DEFAULT, which the official code passes as the deviation."""


def every_second(image: Image.Image, draw: Draw, change: Change) -> Image.Image:
    """Change an image with probability one half, and else leave it as it is."""
    return change(image, draw) if draw.chance("changed", PROBABILITY) else image


def noise(image: Image.Image, draw: Draw) -> Image.Image:
    """Add normal noise of a deviation uniform in 5 to 20 grey levels to every value."""
    deviation = draw.uniform("deviation", 5, 20)
    pixels = np.array(image)
    for strip in strips(pixels):
        # Assigned to bytes without rounding: the official code cuts the fraction off with astype(uint8).
        strip[...] = np.clip(strip + deviation * draw.normal(strip.shape), 0, 255)
    return Image.fromarray(pixels)


def blur(image: Image.Image, draw: Draw) -> Image.Image:
    """Blur with a Gaussian of deviation 4 cut to 3, 5, 7 or 9 pixels; OpenCV's result to one grey level."""
    from scipy.ndimage import correlate1d

    # A Gaussian of deviation 4 cut to so few pixels is nearly a mean, but that is what the code does.
    radius = draw.integer("radius", 1, 4)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / _SIGMA) ** 2)
    pixels = np.array(image)
    for channel in np.moveaxis(pixels, -1, 0):
        # OpenCV's default border repeats the picture without its edge pixel: SciPy's "mirror", not "reflect".
        values = channel.astype(np.float32)
        for axis in (0, 1):
            values = correlate1d(values, weights / weights.sum(), axis, mode="mirror")
        channel[...] = np.rint(values)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image, draw: Draw) -> Image.Image:
    """Re-encode as JPEG of a whole quality uniform in 10 to 75."""
    return recompress(image, "JPEG", draw.integer("quality", 10, 75))


def crop(image: Image.Image, draw: Draw) -> Image.Image:
    """Cut 5 to 20 % off each side, half at either end, and enlarge to the old size (bicubic)."""
    share = draw.uniform("share", 0.05, 0.2)
    dx, dy = (int(side * share / 2) for side in image.size)
    inner = (dx, dy, image.width - dx, image.height - dy)
    return image.crop(inner).resize(image.size, Image.Resampling.BICUBIC)


def combined(image: Image.Image, draw: Draw) -> Image.Image:
    """Do one of the four, drawn with equal chances."""
    return CHANGES[draw.choice("change", tuple(CHANGES))](image, draw)


CHANGES: dict[str, Change] = {"noise": noise, "blur": blur, "jpeg": jpeg, "crop": crop}
