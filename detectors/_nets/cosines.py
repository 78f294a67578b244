"""Pictures as Frank et al. see them: the discrete cosine transform, its logarithm, standardised.

GANDCTAnalysis (src/image_np.py, src/math.py, prepare_dataset.py, crop_lsun.py); AIGCDetectBenchmark
(data/process.py) does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from .pixels import Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

LSUN_SIDE = 128
_TINY = 1e-12
"""What keeps the logarithm of a coefficient of zero finite."""


def log_cosines(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Return ln(|c| + 1e-12) of the orthonormal DCT-II of each channel, float64.

    Args:
        pixels: (H, W) or (H, W, channels), from 0 to 255: official code never divides by 255.
    """
    from scipy.fft import dctn

    coefficients: NDArray[np.float64] = dctn(pixels, type=2, axes=(0, 1), norm="ortho")
    return np.log(np.abs(coefficients) + _TINY)


@dataclass(frozen=True)
class Strip:
    """Frank et al.'s preparation of LSUN's photographs: a part of them, squashed to 128 × 128 pixels."""

    crop: None = None
    resize: int = LSUN_SIDE

    def pixels(self, image: Image) -> Image:
        """Cut and squash one RGB image."""
        from PIL.Image import fromarray
        from skimage.transform import resize

        if image.size == (LSUN_SIDE, LSUN_SIDE):
            return image
        seen = np.asarray(image)
        # crop_lsun.py means a square and keeps the middle *difference* of the sides: 384 × 512 becomes
        # 384 × 128. Where nothing is left (one pixel's difference) it fails; there the whole is taken.
        half = abs(image.height - image.width) // 2
        if half:
            axis = int(image.width > image.height)
            middle = seen.shape[axis] // 2
            seen = seen.take(range(middle - half, middle + half), axis)
        squashed = resize(seen.astype(np.float64), (LSUN_SIDE, LSUN_SIDE))
        return fromarray(squashed.clip(0, 255).astype(np.uint8))  # cut off, not rounded


@dataclass(frozen=True)
class Pixels:
    """RGB pictures as the numbers that they are, 0 to 255.

    Attributes:
        cut: Resizes and crops.
        scale: Mean and deviation that such numbers are standardised by; None: those of training images.
    """

    cut: Preprocess | Strip
    scale: ClassVar[float | None] = 127.5  # x / 127.5 - 1, Frank et al.'s `scale_image`

    @property
    def crop(self) -> int | None:
        """The side of the square that is cut from the centre."""
        return self.cut.crop

    @property
    def resize(self) -> int | None:
        """What pictures are scaled to before."""
        return self.cut.resize

    def exact(self, image: Image) -> Tensor:
        """Turn one RGB image into numbers (3, H, W), float64."""
        return torch.from_numpy(np.asarray(self.cut.pixels(image)).astype(np.float64)).permute(2, 0, 1)

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into numbers (3, H, W), float32."""
        return self.exact(image).float().contiguous()


@dataclass(frozen=True)
class LogCosines(Pixels):
    """RGB pictures → the logarithms of their cosine transform's coefficients, from about -28 to 12."""

    scale: ClassVar[float | None] = None

    def exact(self, image: Image) -> Tensor:
        """Turn one RGB image into logarithms (3, H, W), float64."""
        return torch.from_numpy(log_cosines(np.asarray(self.cut.pixels(image)))).permute(2, 0, 1)


class Standardised(nn.Module):
    """A network that sees each number less its mean, over its standard deviation.

    Args:
        network: What sees them.
        mean: Of each number of an input, float32 (3, H, W); kept with the weights.
        deviation: Likewise, and nowhere zero.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.network = network

    def fill(self, mean: Tensor, deviation: Tensor) -> None:
        """Take statistics over, in place; any real type."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, numbers: Tensor) -> Tensor:
        """Map (n, 3, H, W) to what the network makes of them standardised."""
        seen: Tensor = self.network((numbers - self.mean) / self.deviation)
        return seen


def unfilled(network: nn.Module, side: int) -> Standardised:
    """Put the place of statistics before a network, which a file or a training fills in."""
    return Standardised(network, torch.zeros(3, side, side), torch.ones(3, side, side))
