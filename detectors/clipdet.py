"""ClipDet: a linear layer on features of a frozen CLIP, and its fusion with the detector of Corvi et al.

Cozzolino, Poggi, Corvi, Nießner, Verdoliva, "Raising the Bar of AI-generated Image Detection with CLIP" (CVPR
Workshops 2024). Code and heads: https://github.com/grip-unina/ClipBased-SyntheticImageDetection (Apache-2.0);
CLIP: LAION's ViT-L/14 of CommonPool-XL (MIT).

This CLIP was trained with the exact GELU, where OpenAI's has an approximation: with the same keys and shapes,
a file of one fills the other. Its features are those before the projection, at a length of 1.

`fusion` is what the official command reports beside its two detectors, this one (`latent10k-plus`) and Corvi
et al.'s: the logit of the probability that either of two independent detectors is right to call a picture
generated. It is above both logits: two detectors that are both undecided fuse to 0.75, well above 0.5.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

import torch
from PIL import Image
from torch import nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.commonpool import COMMONPOOL
from ._nets.networks import Network
from ._nets.pixels import IMAGENET, PLAIN, Preprocess, as_pixels, normalise
from ._nets.published import published
from ._nets.res50nodown import no_down_checkpoint, res50nodown, whole_logit

if TYPE_CHECKING:
    from torch import Tensor

HEADS = {
    variant: published(f"clipdet-{variant}", {"fc.weight": (1, 1024), "fc.bias": (1,)})
    for variant in ("latent10k-plus", "latent10k")
}
CORVI = no_down_checkpoint("corvi-latent")
SEEN = ("ldm", "ldm_200", "ldm_200_cfg", "ldm_100", "coco")


def head() -> nn.Module:
    """Make the linear layer, unfilled: (n, 1024) to one logit each, (n, 1)."""
    return nn.Sequential(OrderedDict(fc=nn.Linear(1024, 1)))


class ClipLinear(LogitDetector):
    """One logit from normalised features."""

    version = "1"
    threshold = 0.5
    trained_on = SEEN
    output = "ln_post"

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"clipdet:{variant}"
        self.encoder = COMMONPOOL.load(weights)
        self.prepare = self.encoder.prepare
        self.head = Network(head, HEADS[variant]).load(weights, HEADS.values())

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, 1024) to raw logits (n,)."""
        logits: Tensor = self.head(nn.functional.normalize(batch, dim=-1))
        return logits.squeeze(1)


class Fusion(LogitDetector):
    """The logit of "either of the two"."""

    name = "clipdet:fusion"
    version = "1"
    threshold = 0.5
    trained_on = (*SEEN, "lsun")
    prepare = Preprocess(PLAIN)  # each of the two makes its own input of the whole picture

    def __init__(self, weights: Weights) -> None:
        self.clipdet = ClipLinear("latent10k-plus", weights)
        self.corvi = Network(res50nodown, CORVI).load(weights)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, H, W) in [0, 1], of any size, to raw logits (n,)."""
        return soft_or(torch.stack([self.both(picture) for picture in batch]))

    def both(self, picture: Tensor) -> Tensor:
        """Map one picture (3, H, W) in [0, 1] to the logits of ClipDet and Corvi, (2,)."""
        pixels = as_pixels(picture)
        # Pillow resizes 8 bits, and another size than Corvi's network sees: prepared here, as in a reader.
        image = Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())
        view = self.clipdet.prepare(image)[None].to(picture.device)
        features = self.clipdet.encoder.outputs(view, [ClipLinear.output])[ClipLinear.output]
        whole = whole_logit(self.corvi, normalise(pixels, IMAGENET)[None])
        return torch.cat([self.clipdet.logit(features), whole])


def soft_or(logits: Tensor) -> Tensor:
    """Fuse the logits of detectors (n, detectors): of 1 - product of (1 - p), in float64 (n,)."""
    # Of the logarithm of the product, which float32 would round to 0 or 1 long before its logit is large.
    none = nn.functional.logsigmoid(-logits.to("cpu", torch.float64)).sum(1)
    return torch.log(-torch.expm1(none)) - none


class _Family:
    """Makes ClipDet's heads and the fusion; one tower serves all."""

    variants: ClassVar = {"published": (*HEADS, "fusion")}
    rows: ClassVar = {"published": ("latent10k-plus",)}
    needs: ClassVar = {variant: (COMMONPOOL.checkpoint, file) for variant, file in HEADS.items()} | {
        "fusion": (COMMONPOOL.checkpoint, HEADS["latent10k-plus"], CORVI)
    }
    checkpoints: ClassVar = (COMMONPOOL.checkpoint, *HEADS.values(), CORVI)

    def __call__(self, variant: str, weights: Weights) -> ClipLinear | Fusion:
        return Fusion(weights) if variant == "fusion" else ClipLinear(variant, weights)


ClipDet = _Family()
