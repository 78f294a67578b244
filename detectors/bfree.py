"""B-Free: a fine-tuned DINOv2 with registers that looks at five windows of a picture at its native size.

Guillaro, Zingarini, Usman, Sud, Cozzolino, Verdoliva, "A Bias-Free Training Paradigm for More General
AI-generated Image Detection" (CVPR 2025). Code and weights: https://github.com/grip-unina/B-Free
(GRIP-UNINA's own licence: informational and nonprofit use only).

Nothing is resized. The network's first convolution runs over the whole picture, and windows of 36x36 are cut
out of its tokens: five of a larger picture, whose logits are averaged. What a picture lacks in either
direction is made up by repeating its tokens, and of the other direction the first 504 pixels count alone.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published
from ._nets.token_windows import PATCH, tiled, window_transformer, windows

CHECKPOINT = published("bfree", {"reg_token": (1, 4, 768), "pos_embed": (1, 1296, 768)})


class BFree(LogitDetector):
    """A classifier with one logit on windows of tokens."""

    variants: ClassVar = {"published": ("dino2reg4",)}
    needs: ClassVar = {"dino2reg4": (CHECKPOINT,)}
    checkpoints: ClassVar = (CHECKPOINT,)
    version = "1"
    threshold = 0.5
    trained_on = ("sd-v2.1", "coco")
    prepare = Preprocess(IMAGENET)
    build = staticmethod(window_transformer)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"bfree:{variant}"
        self.network = Network(self.build, CHECKPOINT).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) to the mean logits of their windows (n,)."""
        # The official code stops at pictures of less than one token: ours repeats them, as both do tokens.
        pictures = tiled(batch, PATCH) if min(batch.shape[2:]) < PATCH else batch
        tokens = self.network.get_submodule("patch_embed.proj")(pictures)
        # One window after the other: five at once of 32 pictures would take gigabytes.
        logits = [self.network(window) * share for window, share in windows(tokens)]
        return torch.stack(logits).sum(0).squeeze(1)
