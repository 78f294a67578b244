"""PatchCraft (RPTC): the noise of a picture's smoothest patches compared with that of its roughest.

Zhong, Xu, Li, Qian, Zhang, "PatchCraft: Exploring Texture Patch for Efficient AI-generated Image Detection"
(2023; first called "Rich and Poor Texture Contrast"). The authors' code and weights are on ModelScope, in the
data set of AIGCDetectBenchmark (no licence known).

192 patches of 32 pixels are cut at random, the 64 smoothest and the 64 roughest laid out in squares of 256
pixels. The authors' scores so depend on the state of a random generator, and with it on what was scored
before. Here the places are drawn anew for each picture, from seed 0: the same picture has the same score
always, which is one of those that the authors' code could give it.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.published import published
from ._nets.texture_mosaics import MosaicNetwork, TextureMosaics

MARKS = {"group1.hpf.weight": (30, 1, 5, 5), "group1_b.0.weight": (32, 90, 3, 3), "fc2.weight": (1, 32)}
NETWORK = Network(MosaicNetwork, published("patchcraft", MARKS))


class PatchCraft(LogitDetector):
    """A classifier with one logit on two mosaics of patches."""

    variants: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (NETWORK.checkpoint,)}
    checkpoints: ClassVar = (NETWORK.checkpoint,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)
    prepare = TextureMosaics()

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"patchcraft:{variant}"
        self.network = NETWORK.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pairs of mosaics (n, 2, 3, 256, 256) in [0, 1] to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
