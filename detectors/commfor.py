"""Community Forensics: a small vision transformer, trained on images of 4,803 generators.

Park, Owens, "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors" (CVPR 2025).
Code and weights: https://github.com/JeongsooP/Community-Forensics (MIT).

The network is timm's ViT-S/16 with one logit. Its statistics are ImageNet's, which is not what timm's own
configuration of these names says, nor what an older branch of the authors' code does.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

SIDES = {"vit-s-384": (384, 440), "vit-s-224": (224, 256)}
"""By variant: of the square that the network sees, and of the picture's shorter side before."""
CHECKPOINTS = {
    variant: published(
        f"commfor-{side}",
        # Tokens: one of the class, and one of each patch of 16×16.
        {"vit.pos_embed": (1, 1 + (side // 16) ** 2, 384), "vit.head.weight": (1, 384)},
    )
    for variant, (side, _) in SIDES.items()
}


class CommunityForensics(LogitDetector):
    """A classifier with one logit on a picture's central square."""

    variants: ClassVar = {"published": tuple(SIDES)}
    needs: ClassVar = {variant: (file,) for variant, file in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())
    version = "1"
    threshold = 0.5
    trained_on = (
        "laion",
        "imagenet",
        "coco",
        "ffhq",
        "celeba",
        "metfaces",
        "afhq",
        "forchheim",
        "imd2020",
        "vision",
    )

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"commfor:{variant}"
        side, shorter = SIDES[variant]
        # A picture that is smaller than the square is enlarged, never padded.
        self.prepare = Preprocess(IMAGENET, resize=shorter, crop=side, squash=False)
        network = Network(partial(vision_transformer, side), CHECKPOINTS[variant])
        self.network = network.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, side, side) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)


def vision_transformer(side: int) -> nn.Module:
    """Make the network, unfilled: (n, 3, side, side) to one logit each, (n, 1)."""
    import timm

    # The file's keys begin with the name that the transformer has in its authors' class.
    return nn.Sequential(OrderedDict(vit=timm.create_model(f"vit_small_patch16_{side}", num_classes=1)))
