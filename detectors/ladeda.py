"""LaDeDa: a network that judges patches of 9x9 pixels by how these differ from their neighbours.

Cavia, Horwitz, Reiss, Hoshen, "Real-Time Deepfake Detection in the Real-World" (2024). Code and weights:
https://github.com/barcavia/RealTime-DeepfakeDetection-in-the-RealWorld (Software Research License, research
use only). The network is LaDeDa-9, of which `tiny-ladeda` was distilled.

The released code shows both checkpoints NPR's residual as it is. The one trained on ForenSynths was trained
in NPR's own code, which multiplies it by 2/3, as the author told a user who could not reproduce the paper
with it, and then could (issue 3 of the repository). `forensynths` does so, too; `forensynths-unscaled` is
what the released code makes of that file, and harnesses that follow it.
"""

from __future__ import annotations

from typing import ClassVar, cast

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.ladeda_network import LaDeDaNetwork
from ._nets.networks import Network
from ._nets.pixel_residuals import block_residual
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

MARKS = {"conv1.weight": (64, 3, 1, 1), "conv2.weight": (64, 64, 3, 3), "fc.weight": (1, 2048)}
FORENSYNTHS = Network(LaDeDaNetwork, published("ladeda-forensynths", MARKS))
WILDRF = Network(LaDeDaNetwork, published("ladeda-wildrf", MARKS))
VARIANTS = {"forensynths": FORENSYNTHS, "wildrf": WILDRF, "forensynths-unscaled": FORENSYNTHS}


class LaDeDa(LogitDetector):
    """A classifier of patches, the average of whose logits is the picture's."""

    variants: ClassVar = {"published": tuple(VARIANTS)}
    rows: ClassVar = {"published": ("forensynths", "wildrf")}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in VARIANTS.items()}
    checkpoints: ClassVar = (FORENSYNTHS.checkpoint, WILDRF.checkpoint)
    version = "1"
    threshold = 0.5
    prepare = Preprocess(IMAGENET, resize=256)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"ladeda:{variant}"
        # WildRF trains on what Reddit's users posted, and has a test set of the same.
        self.trained_on = ("wildrf", "reddit") if variant == "wildrf" else ("progan",)
        self.factor = 2 / 3 if variant == "forensynths" else 1
        self.network = cast(LaDeDaNetwork, VARIANTS[variant].load(weights, self.checkpoints))

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 256, 256) to raw logits (n,)."""
        logits: Tensor = self.network(self.factor * block_residual(batch))
        return logits.squeeze(1)

    def patches(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 256, 256) to patches' probabilities of "generated" (n, 31, 31)."""
        logits = self.network.patch_logits(self.factor * block_residual(batch))
        return logits.sigmoid()
