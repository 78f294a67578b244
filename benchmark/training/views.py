"""From one image to what is batched: the part of a recipe that runs in worker processes, all draws seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.transforms import functional

from forenbench.draws import Draw
from forenbench.errors import BenchError
from forenbench.images import decode
from forenbench.perturbations import parse

from .recipes import Augmentation, TrainingRecipe

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

View = Callable[["Image", np.random.Generator], "Tensor"]
"""Turns one image into one tensor."""


@dataclass(frozen=True)
class Decoded:
    """Decodes a file before a view of its image."""

    view: View

    def __call__(self, data: bytes, random: np.random.Generator) -> Tensor:
        """Turn an image file's bytes into a tensor."""
        return self.view(decode(data), random)


@dataclass(frozen=True)
class PlainView:
    """Prepares an image without any draw."""

    prepare: Callable[[Image], Tensor]

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one image into a tensor."""
        return self.prepare(image)


@dataclass(frozen=True)
class TrainView:
    """Resize, blur, JPEG, random crop, flip: uint8 (3, crop, crop)."""

    recipe: TrainingRecipe

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one image into what the network trains on."""
        changed = augment(resized(image, self.recipe.resize), self.recipe.augmentation, random)
        return crop_and_flip(functional.pil_to_tensor(changed), self.recipe, random)


@dataclass(frozen=True)
class ValidationView:
    """Resize, blur and JPEG of middle strength with its probability, centre crop: uint8 (3, crop, crop)."""

    recipe: TrainingRecipe

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one image into what the network is validated on."""
        augmentation = self.recipe.augmentation.midpoint()
        changed = augment(resized(image, self.recipe.resize), augmentation, random)
        return centre(functional.pil_to_tensor(changed), self.recipe)


def resized(image: Image, shorter: int | None) -> Image:
    """Scale the shorter side to this many pixels; an image of that size stays as it is."""
    if shorter is None or min(image.size) == shorter:
        return image
    # Bilinear with Pillow's antialiasing, the longer side
    # rounded down: as the official code, by the same function.
    scaled: Image = functional.resize(image, shorter)
    return scaled


def augment(image: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    """Blur, then compress, each with its probability.

    The official code also draws which of OpenCV and Pillow compresses; both make the same pixels.
    """
    # Both draws are made one by one, as in CNNDetection's data/datasets.py: with p = 0.5 a quarter gets both.
    steps = []
    if augmentation.blur and random.random() < augmentation.blur:
        steps.append(f"blur:{random.uniform(*augmentation.sigma)}")
    if augmentation.jpeg and random.random() < augmentation.jpeg:
        low, high = augmentation.quality
        steps.append(f"jpeg:{random.integers(low, high, endpoint=True)}")
    # The perturbations of scoring, whose blur truncates to 8 bits after each axis as the official one does.
    return parse("+".join(steps)).apply(image, Draw(random)) if steps else image


def crop_and_flip(picture: Tensor, recipe: TrainingRecipe, random: np.random.Generator) -> Tensor:
    """Cut a square out of a picture (3, H, W) at a random place, and mirror it with the recipe's probability.

    Raises:
        BenchError: The picture is smaller than the square.
    """
    _, height, width = picture.shape
    if min(height, width) < recipe.crop:
        raise BenchError(f"a picture of {width}×{height} pixels is smaller than the crop of {recipe.crop}")
    # Refused, where torchvision's RandomCrop would raise an error in a worker without saying which image.
    top, left = random.integers(0, [height - recipe.crop + 1, width - recipe.crop + 1])
    square = picture[:, top : top + recipe.crop, left : left + recipe.crop]
    return square.flip(2) if random.random() < recipe.flip else square


def centre(picture: Tensor, recipe: TrainingRecipe) -> Tensor:
    """Cut the square out of the middle of a picture (..., 3, H, W), with black around a smaller one."""
    square: Tensor = functional.center_crop(picture, [recipe.crop, recipe.crop])
    return square


def crop_each(pictures: Tensor, recipe: TrainingRecipe, randoms: list[np.random.Generator]) -> Tensor:
    """Cut and mirror each of n pictures (n, 3, H, W) with its own generator."""
    pairs = zip(pictures, randoms, strict=True)
    return torch.stack([crop_and_flip(picture, recipe, random) for picture, random in pairs])
