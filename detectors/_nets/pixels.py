"""From RGB pictures to the normalised tensors that networks were trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import torch

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


class Statistics(NamedTuple):
    """Mean and standard deviation of red, green and blue, of pixels in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = Statistics((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SYMMETRIC = Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Maps [0, 1] to [-1, 1]: the range of GANs and of EfficientNet-Lite."""
PLAIN = Statistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""Leaves pixels in [0, 1]."""

Box = tuple[int, int, int, int]
"""Left, top, right and lower edge of a part of a picture, in pixels."""


class Preparation:
    """A `prepare` in two steps, see `forenbench.scoring.calls.TwoSteps`: 8-bit pixels, and floats of them.

    Attributes:
        statistics: Of the normalisation, which is the second step.
    """

    statistics: Statistics

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into a float32 tensor (..., 3, H, W)."""
        return self.normalised(self.levels(image))

    @property
    def levels(self) -> Levels:
        """The first step: one RGB image to uint8 (..., 3, H, W); equal where only statistics differ."""
        return Levels(self.plain())

    def normalised(self, levels: Tensor) -> Tensor:
        """Do the second step, on whatever device: uint8 (n, ..., 3, H, W) to float32."""
        return normalise(levels, self.statistics)

    def plain(self) -> Self:
        """Return the same without statistics of its own; itself, where there is none of other statistics."""
        return self

    def eight_bit(self, image: Image) -> Tensor:
        """Do the first step."""
        raise NotImplementedError

    def window(self, width: int, height: int) -> Box | None:
        """Return the box outside of which no pixel counts; None: all count."""
        return None


@dataclass(frozen=True)
class Levels:
    """The first step of a preparation: many that differ in their statistics have one, which readers do once.

    Attributes:
        of: The preparation, without its statistics.
    """

    of: Preparation

    def __call__(self, image: Image) -> Tensor:
        """Turn one RGB image into uint8 (..., 3, H, W)."""
        return self.of.eight_bit(image)

    def window(self, width: int, height: int) -> Box | None:
        """Return what the preparation looks at."""
        return self.of.window(width, height)


@dataclass(frozen=True)
class Preprocess(Preparation):
    """What a network's authors do to an image before it; equal ones run once for many detectors.

    Attributes:
        statistics: Of the normalisation.
        resize: Side of the square the picture is first squashed to (antialiased, as Pillow does it).
        squash: False: `resize` is the length of the shorter side, and the picture keeps its proportions.
        crop: Side of the square cut from the centre; black is added around a smaller picture.
        resample: Pillow's filter for `resize`: "bilinear" or "bicubic".
    """

    statistics: Statistics
    resize: int | None = None
    crop: int | None = None
    resample: str = "bilinear"
    squash: bool = True

    def plain(self) -> Self:
        """Return the same without statistics of its own."""
        return replace(self, statistics=PLAIN)

    def eight_bit(self, image: Image) -> Tensor:
        """Resize and crop one RGB image to uint8 (3, H, W)."""
        from torchvision.transforms.functional import pil_to_tensor

        levels: Tensor = pil_to_tensor(self.pixels(image))
        return levels

    def pixels(self, image: Image) -> Image:
        """Resize and crop one RGB image."""
        from torchvision.transforms import InterpolationMode, functional

        # Pillow's own filters, which smooth before they shrink: those of tensors make other pixels.
        if self.resize is not None:
            # torchvision takes one number for the length of the shorter side.
            sides = [self.resize] * (2 if self.squash else 1)
            image = functional.resize(image, sides, InterpolationMode(self.resample))
        # torchvision rounds the corner half to even, and pads a smaller picture with black *before*
        # normalising: what the network sees there is minus the mean.
        if self.crop is not None:
            image = functional.center_crop(image, [self.crop, self.crop])
        return image

    def window(self, width: int, height: int) -> Box | None:
        """Return where the crop is, if nothing else is done."""
        if self.resize is not None or self.crop is None or self.crop > min(width, height):
            return None
        left, top = (round((length - self.crop) / 2) for length in (width, height))
        return left, top, left + self.crop, top + self.crop


@dataclass(frozen=True)
class FlooredCrop(Preprocess):
    """The same with the crop's corner rounded down, as albumentations and transformers round it."""

    def pixels(self, image: Image) -> Image:
        """Resize and crop one RGB image."""
        if self.crop is None:
            return super().pixels(image)
        image = replace(self, crop=None).pixels(image)
        even = image.crop((0, 0, *_with_even_margins(image.size, self.crop)))
        return Preprocess(self.statistics, crop=self.crop).pixels(even)

    def window(self, width: int, height: int) -> Box | None:
        """Return where the crop is, if nothing else is done."""
        if self.crop is None:
            return None
        return super().window(*_with_even_margins((width, height), self.crop))


def _with_even_margins(size: tuple[int, int], crop: int) -> tuple[int, int]:
    """Leave the last row or column of an odd margin out: torchvision would round the half of it to even."""
    width, height = (length - (length - crop) % 2 * (length > crop) for length in size)
    return width, height


@dataclass(frozen=True)
class Tiled(Preparation):
    """A preparation of pictures that are repeated beforehand where they are small: black is added to none.

    Attributes:
        side: A picture with a shorter side is laid out to the right and below until both sides reach this.
        prepare: What becomes of it then.
    """

    side: int
    prepare: Preprocess

    @property
    def statistics(self) -> Statistics:  # type: ignore[override]  # read-only, as all of it
        """Those of what is done then."""
        return self.prepare.statistics

    def plain(self) -> Self:
        """Return the same without statistics of its own."""
        return replace(self, prepare=self.prepare.plain())

    def eight_bit(self, image: Image) -> Tensor:
        """Lay out and cut one RGB image to uint8 (3, H, W)."""
        return self.prepare.eight_bit(self.pixels(image))

    def window(self, width: int, height: int) -> Box | None:
        """Return what is looked at of a picture that stays as it is, as that part by itself would."""
        box = self.prepare.window(width, height)
        # A smaller part would be laid out, though the picture is not.
        return box if box and min(box[2] - box[0], box[3] - box[1]) >= self.side else None

    def pixels(self, image: Image) -> Image:
        """Lay out one RGB image; a large one comes back as it is."""
        from PIL import Image as Pillow

        # Whole copies, as NPR's README and Effort's validate.py make them: the sides are multiples.
        times = [-(-self.side // length) for length in (image.height, image.width)]
        if times == [1, 1]:
            return image
        return Pillow.fromarray(np.tile(np.asarray(image), (*times, 1)))


AIGCDETECT = Preprocess(IMAGENET, resize=256, crop=224, squash=False)
"""What AIGCDetectBenchmark's code does by default."""


def normalise(pixels: Tensor, statistics: Statistics) -> Tensor:
    """Turn 8-bit pixels (..., 3, H, W) into float32: scaled to [0, 1], less the mean, over the deviation."""
    full, mean, std = _constants(statistics, pixels.device)
    # In place, on a fresh tensor. Divided by a tensor, for a GPU multiplies by the reciprocal of a number,
    # which rounds otherwise: so every device makes the same floats of a stack as a CPU of each image.
    scaled = pixels.to(torch.float32, copy=True).div_(full)
    return scaled if statistics == PLAIN else scaled.sub_(mean).div_(std)


@lru_cache
def _constants(statistics: Statistics, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return 255, mean and deviation on a device, sent there once: a GPU would be waited for each time."""
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in statistics)
    return torch.tensor(255.0, device=device), mean, std


def as_pixels(plain: Tensor) -> Tensor:
    """Turn float pixels in [0, 1] back into the 8-bit ones they were made from; any shape."""
    # Rounded, for 255 times a quotient by 255 may lie a hair below the whole number.
    return plain.mul(255).round().to(torch.uint8)
