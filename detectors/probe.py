"""Probe: a logistic regression on features of a frozen backbone, the baseline of detectors since 2023.

Linear layers on large backbones that nobody trained for the task hold their own against detectors made for
it (Ojha et al., CVPR 2023; Pellegrini et al., AI-GenBench, 2025; Zhou et al., arXiv 2509.12995). Users train
these themselves, `bench train probe`. The recipe is ours; backbones and their inputs are those of timm,
open_clip and AI-GenBench (MI-BioLab/AI-GenBench, BSD-3-Clause).

A variant is whose input, which backbone, and what the regression was fitted to: see `_nets.probe_backbones`.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.encoders import FrozenEncoder
from ._nets.heads import linear_probe
from ._nets.probe_backbones import PROBED
from ._nets.published import TRAINING_DATA, own

RECIPES = {
    f"{name}-progan": (
        backbone,
        own(
            f"probe-{name}-progan",
            f"bench train probe --backbone {name} {TRAINING_DATA['progan']}",
            {"weight": (1, backbone.width), "bias": (1,)},
            safetensors=f"safetensors, `weight` (1, {backbone.width}) and `bias` (1,)",
        ),
    )
    for name, backbone in PROBED.items()
}


class Probe(LogitDetector):
    """One logit from the features of a frozen backbone."""

    variants: ClassVar = {"published": tuple(RECIPES)}
    rows: ClassVar = {
        "published": tuple(
            name for name in RECIPES if name.startswith(("clip", "timm")) and "reg4" not in name
        )
    }
    needs: ClassVar = {name: (backbone.checkpoint, head) for name, (backbone, head) in RECIPES.items()}
    checkpoints: ClassVar = tuple(dict.fromkeys(file for files in needs.values() for file in files))
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)
    encoder: FrozenEncoder
    head: nn.Module

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"probe:{variant}"
        backbone, head = RECIPES[variant]
        self.encoder, self.head = linear_probe(weights, head, backbone, self.checkpoints)
        self.prepare = self.encoder.prepare

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to raw logits (n,)."""
        logits: Tensor = self.head(batch)
        return logits.squeeze(1)
