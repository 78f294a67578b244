"""AIDE: the plainest and the busiest patches of a picture, judged by noise, and the whole by meaning.

Yan, Li, Cai, Hao, Jiang, Hu, Xie, "A Sanity Check for AI-generated Image Detection" (ICLR 2025). Code and
weights: https://github.com/shilinyan99/AIDE (MIT).

A variant is what the weights were trained on. A file has 3.6 GB, for CLIP's ConvNeXt-XXLarge is in it, and
needs as much memory. Pictures with a side below 32 pixels, on which the official code fails, are laid out
side by side until they have a patch.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.aide_network import AideNetwork
from ._nets.graded_patches import five_inputs
from ._nets.networks import Network
from ._nets.published import published
from ._nets.widening import widened

MARKS = {"openclip_convnext_xxl.stem.0.weight": (384, 3, 4, 4), "hpf.hpf.weight": (30, 3, 5, 5)}
TRAINED_ON = {"progan": ("progan",), "sd14": ("imagenet", "sd-v1.4")}
CHECKPOINTS = {variant: published(f"aide-{variant}", MARKS) for variant in TRAINED_ON}


class AIDE(LogitDetector):
    """Two classes from the average of four patches and from the whole."""

    variants: ClassVar = {"published": tuple(CHECKPOINTS)}
    needs: ClassVar = {variant: (checkpoint,) for variant, checkpoint in CHECKPOINTS.items()}
    checkpoints: ClassVar = tuple(CHECKPOINTS.values())
    version = "1"
    threshold = 0.5
    prepare = staticmethod(five_inputs)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"aide:{variant}"
        self.trained_on = TRAINED_ON[variant]
        self.network = Network(AideNetwork, CHECKPOINTS[variant]).load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures' five inputs (n, 5, 3, 256, 256) to the difference of both logits (n,)."""
        # Its sigmoid is the second of the two classes' softmax, which is the official score.
        logits = widened(self.network(batch))
        return logits[:, 1] - logits[:, 0]
