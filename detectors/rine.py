"""RINE: what each block of a frozen CLIP ViT-L/14 says of a picture, weighed by a small head.

Koutlis, Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks for Synthetic Image
Detection" (ECCV 2024, arXiv 2402.19091). Code and heads: https://github.com/mever-team/rine (Apache-2.0);
CLIP: OpenAI (MIT).

Pictures are never resized: the central 224 pixels, black around smaller pictures, so that one pass of CLIP
serves these heads and UnivFD. The heads were trained on one, two or four of ForenSynths' classes, `ldm` on
latent diffusion's pictures. With that one the authors take the mean logit of ten crops (corners, centre, and
their mirror images), which are ten passes of its own; `ldm-crop` is the same head on the centre alone. The
official ten crops stop at a picture below 224 pixels; here black is added around it, as for one crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.block_importance import BlockImportance
from ._nets.encoders import BACKBONES, CLIP_VIT_L14, FrozenEncoder
from ._nets.networks import Network
from ._nets.pixels import CLIP, Preparation, Statistics
from ._nets.published import published

if TYPE_CHECKING:
    from PIL.Image import Image

SIZES = {"1class": (4, 1024), "2class": (4, 128), "4class": (2, 1024), "ldm": (4, 1024)}
"""Layers and width of each head, which the files do not name."""


def head_of(variant: str) -> Network:
    """Say what a variant's head is, and which file fills it."""
    name = variant.removesuffix("-crop")
    layers, width = SIZES[name]
    # The last layer of the first projection: with two layers there is none of the name that four have.
    marks = {"alpha": (1, 24, width), f"proj1.{3 * layers - 2}.weight": (width, width)}
    return Network(partial(BlockImportance, layers, width), published(f"rine-{name}", marks))


@dataclass(frozen=True)
class TenCrops(Preparation):
    """Cuts four corners, the centre, and their mirror images; `resize` and `crop` as in `Preprocess`."""

    crop: int = 224
    resize: None = None
    statistics: Statistics = CLIP

    def eight_bit(self, image: Image) -> Tensor:
        """Cut one RGB image into uint8 (10, 3, crop, crop)."""
        from torchvision.transforms import functional

        # Adds black and cuts nothing: smaller pictures stop the official code.
        framed = functional.center_crop(image, [max(side, self.crop) for side in (image.height, image.width)])
        return torch.stack([*map(functional.pil_to_tensor, functional.ten_crop(framed, [self.crop] * 2))])


class OneCropRine(LogitDetector):
    """One logit from the class tokens of all blocks, after the norm in front of each MLP."""

    version = "1"
    threshold = 0.5
    trained_on: tuple[str, ...] = ("progan",)
    output = "cls_ln2"

    def __init__(self, name: str, encoder: FrozenEncoder, head: nn.Module) -> None:
        self.name, self.encoder, self.head = name, encoder, head
        self.prepare = encoder.prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map class tokens (n, blocks, width) to raw logits (n,)."""
        logits: Tensor = self.head(batch)
        return logits.squeeze(1)


class TenCropRine(LogitDetector):
    """The mean of ten crops' logits; their features, 1 MB a picture, are not kept."""

    version = "1"
    threshold = 0.5
    trained_on: tuple[str, ...] = ("ldm", "lsun", "coco")
    prepare = TenCrops()

    def __init__(self, name: str, encoder: FrozenEncoder, head: nn.Module) -> None:
        self.name, self.tower, self.head = name, encoder, head

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised crops (n, 10, 3, 224, 224) to raw logits (n,)."""
        # Crop after crop, so that no more pictures are in the tower at a time than with one crop.
        output = OneCropRine.output
        tokens = [self.tower.outputs(crops, [output])[output] for crops in batch.unbind(1)]
        return torch.cat([self.head(one) for one in tokens], 1).mean(1)


class _Heads:
    """Makes the detector of each variant; all share one CLIP."""

    variants: ClassVar = {"published": (*SIZES, "ldm-crop")}
    rows: ClassVar = {"published": tuple(SIZES)}
    needs: ClassVar = {one: (CLIP_VIT_L14, head_of(one).checkpoint) for one in variants["published"]}
    checkpoints: ClassVar = (CLIP_VIT_L14, *(head_of(variant).checkpoint for variant in SIZES))

    def __call__(self, variant: str, weights: Weights) -> OneCropRine | TenCropRine:
        encoder = BACKBONES["clip-vit-l14"].load(weights)
        head = head_of(variant).load(weights, self.checkpoints)
        kind = TenCropRine if variant == "ldm" else OneCropRine
        made = kind(f"rine:{variant}", encoder, head)
        if variant == "ldm-crop":
            made.trained_on = TenCropRine.trained_on
        return made


Rine = _Heads()
