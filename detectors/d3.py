"""D3: how a picture differs from itself with its tiles in disorder, to a frozen CLIP ViT-L/14 and attention.

Yang, Qian, Zhu, Russakovsky, Wu, "D^3: Scaling Up Deepfake Detection by Learning from Discrepancy" (CVPR
2025, arXiv 2404.04584). Code and head: https://github.com/BigAandSmallq/D3 (no licence); CLIP: OpenAI (MIT).

The official code draws a new order of tiles for each batch, so that a picture's score depends on the pictures
beside it and on all that was drawn before. Here it is one order for every picture, that of the authors' seed
418 drawn once: the score rests on nothing else. Pictures are squashed to 224 x 224 in the README's command
and in the evaluation during training (`squash`), or the central 224 pixels are cut in validate.py (`crop`).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.encoders import CLIP_VIT_L14
from ._nets.networks import Network
from ._nets.pixels import CLIP, Preprocess
from ._nets.published import published
from ._nets.tile_shuffling import PairEncoder

CHECKPOINT = published("d3", {"query.weight": (1024, 1024), "fc.weight": (1, 2048)})
GENIMAGE = ("adm", "biggan", "glide", "midjourney", "sd-v1.4", "sd-v1.5", "vqdm", "wukong")
"""Whose generators the weights may all have seen: the authors do not say which of them they have."""

# What the README says first; the paper does not say which made its table.
INPUTS = {"squash": Preprocess(CLIP, resize=224), "crop": Preprocess(CLIP, crop=224)}


class PairAttention(nn.Module):
    """Attention between two features of one picture, and a linear layer on both; unfilled.

    Args:
        width: Of the features.
    """

    def __init__(self, width: int = 1024) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.fc = nn.Linear(2 * width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (n, 2, width) to raw logits (n, 1)."""
        scores = self.query(features) @ self.key(features).mT / features.shape[-1] ** 0.5
        # Over the queries, as the official code has it: each column adds up to one, not each row.
        logits: Tensor = self.fc((scores.softmax(1) @ self.value(features)).flatten(1))
        return logits


HEAD = Network(PairAttention, CHECKPOINT)


class PairDetector(LogitDetector):
    """One logit from features of the shuffled picture and of the picture, in this order."""

    version = "1"
    threshold = 0.5
    trained_on = ("progan", *GENIMAGE)

    def __init__(self, name: str, encoder: PairEncoder, head: nn.Module) -> None:
        self.name, self.encoder, self.head = name, encoder, head
        self.prepare = encoder.prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, 2, 1024) to raw logits (n,)."""
        logits: Tensor = self.head(batch)
        return logits.squeeze(1)


class _Inputs:
    """Makes the detector of each variant."""

    variants: ClassVar = {"published": tuple(INPUTS)}
    needs: ClassVar = dict.fromkeys(INPUTS, (CLIP_VIT_L14, CHECKPOINT))
    checkpoints: ClassVar = (CLIP_VIT_L14, CHECKPOINT)

    def __call__(self, variant: str, weights: Weights) -> PairDetector:
        encoder = PairEncoder.load(weights, INPUTS[variant])
        return PairDetector(f"d3:{variant}", encoder, HEAD.load(weights, self.checkpoints))


D3 = _Inputs()
