"""FatFormer: CLIP ViT-L/14 with adapters for traces of forgery, and two sentences that each picture rewords.

Liu, Tan, Tan, Wei, Wang, Zhao, "Forgery-aware Adaptive Transformer for Generalizable Synthetic Image
Detection" (CVPR 2024). Code and weights: https://github.com/Michel-liu/FatFormer (Apache-2.0).

Pictures are squashed to 256 pixels, of which the central 224 are seen, with ImageNet's statistics in front of
CLIP. The published file has three adapters; the code's own default of eight fits it no more than CLIP's file
does. The text tower runs for every picture, on words that its tokens have changed.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.fatformer_network import FatFormerNetwork
from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published
from ._nets.widening import widened

CHECKPOINT = published(
    "fatformer",
    {"language_guided_alignment.ctx": (8, 768), "clip_model.visual.proj": (1024, 768)},
)


class FatFormer(LogitDetector):
    """How much more like the text of the generated a picture is than like that of the real."""

    variants: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)
    prepare = Preprocess(IMAGENET, resize=256, crop=224)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"fatformer:{variant}"
        self.network = Network(FatFormerNetwork, CHECKPOINT).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to the difference of both logits (n,)."""
        # Its sigmoid is the second of the two classes' softmax, which is the official score.
        logits = widened(self.network(batch))
        return logits[:, 1] - logits[:, 0]
