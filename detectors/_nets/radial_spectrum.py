"""The radial spectrum: how strong each frequency of a picture is, whatever its direction.

Durall, Keuper, Pfreundt, Keuper, "Unmasking DeepFakes with simple Features" (2019) and "Watch your
Up-Convolution" (CVPR 2020). Code: https://github.com/cc-hpc-itwm/DeepFakeDetection (notebooks beside a
`radialProfile.py`; no licence). Its quirks, which the numbers rest on, are repeated here:

* "dB" are 20 times the *natural* logarithm of the spectrum, to which 1e-8 was added. (The notebook of
  FaceForensics forgets that for one class; here it is added for both.)
* The middle is that of the array, half a pixel off frequency zero where a side is even.
* The first ring (radius below 1) and the last one are lost in the difference of cumulative sums.
* Rings are counted in pixels, so that one of a picture that is not square mixes frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

_RED, _GREEN, _BLUE = 9797, 19234, 3737
"""Of 32768: BT.601's .299 and .587 cut off at 15 bits, and blue as the rest."""

_LEAST = 10
"""Pixels a side that give the rings (four and more) which a cubic curve needs."""


def grey_levels(image: Image) -> NDArray[np.uint8]:
    """Turn an RGB image into the grey (H, W) that OpenCV reads from the same pixels in a PNG file, exactly.

    It has libpng add up the channels and cut off, half a level darker than its own `cvtColor`, which rounds.
    Of a JPEG file it takes the stored luma, which is rounded, too, and was never clipped.
    """
    pixels = np.asarray(image, np.int32)
    return (pixels @ np.array([_RED, _GREEN, _BLUE], np.int32) >> 15).astype(np.uint8)


def radial_profile(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Average the logarithmic spectrum of a grey picture (H, W) over rings of one pixel.

    Returns:
        Rings 1, 2, … but the last, in 20 ln: 88 values for 128² pixels, 179 for 256², 722 for 1024².
    """
    spectrum = 20 * np.log(np.abs(np.fft.fftshift(np.fft.fft2(grey)) + 1e-8))
    middle_y, middle_x = ((side - 1) / 2 for side in grey.shape)
    y, x = np.indices(grey.shape)
    rings = np.hypot(x - middle_x, y - middle_y).astype(int).ravel()
    # No ring is empty, for the next pixel is never farther away than one.
    means: NDArray[np.float64] = np.bincount(rings, spectrum.ravel()) / np.bincount(rings)
    return means[1:-1]


@dataclass(frozen=True)
class RadialSpectrum:
    """Features that one of the notebooks makes of a picture.

    Attributes:
        points: How many numbers; the profile is brought to that length by a cubic curve, unless it has it.
        relative: Divide by the first of them.
        third: Of the central third of each side only.
    """

    points: int
    relative: bool = True
    third: bool = False

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image of any size into float32 (points,)."""
        return torch.from_numpy(self.values(grey_levels(image)).astype(np.float32))

    def values(self, grey: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Turn a grey picture (H, W) into (points,)."""
        from scipy.interpolate import griddata

        if self.third:
            height, width = grey.shape
            top, left = int(height / 3), int(width / 3)
            grey = grey[top : height - top, left : width - left]
        # Ours: official code fails at so small a picture; here its last row and column are repeated.
        missing: list[Any] = [(0, max(0, _LEAST - side)) for side in grey.shape]
        found = radial_profile(np.pad(grey, missing, mode="edge"))
        if len(found) != self.points:
            given, wanted = (np.linspace(0, self.points, number) for number in (len(found), self.points))
            found = griddata(given, found, wanted, method="cubic")
        return found / found[0] if self.relative else found


FEATURES = {
    "faces-hq": RadialSpectrum(722, relative=False),
    "celeba": RadialSpectrum(80),
    "ffpp": RadialSpectrum(300, third=True),
}
"""By the data set of each notebook. Faces-HQ's pictures have 1024² pixels, whose 722 rings are taken as they
are; that pictures of other sizes are brought to 722 points, as for CelebA's 80, is ours."""
