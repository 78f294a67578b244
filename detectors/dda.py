"""DDA: DINOv2's ViT-L/14 with low-rank adapters, trained on photographs beside reconstructions of themselves.

Chen et al., "Dual Data Alignment Makes AI-Generated Image Detector Easier Generalizable" (NeurIPS 2025).
Code: https://github.com/roy-ch/Dual-Data-Alignment, weights:
https://huggingface.co/Junwei-Xi/Dual-Data-Alignment (both Apache-2.0).

Nothing is resized: the central 336 pixels count, with black around smaller pictures. They are normalised with
CLIP's statistics though the network is DINOv2's. The factor of the adapters, 1/8, stands in no file.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.adapted_dinov2 import AdaptedTransformer
from ._nets.networks import Network
from ._nets.pixels import CLIP, Preprocess
from ._nets.published import published

CHECKPOINT = published(
    "dda",
    {
        "base_model.model.blocks.0.attn.qkv.lora.lora_A": (8, 1024),
        "base_model.model.pos_embed": (1, 1370, 1024),
        "base_model.fc.weight": (1, 1024),
    },
)


class DDA(LogitDetector):
    """A classifier with one logit on the central pixels."""

    variants: ClassVar = {"published": ("coco",)}
    needs: ClassVar = {"coco": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("sd-v2-vae", "coco")
    prepare = Preprocess(CLIP, crop=336)
    build = AdaptedTransformer

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"dda:{variant}"
        self.network = Network(self.build, CHECKPOINT).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 336, 336) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
