"""Highpass: LGrad's classifier on the high-frequency component of a picture in place of a gradient.

The baseline of LGrad's section 4.3.3 (Tan et al., CVPR 2023; its mean accuracies on Table 3's test sets are
75.1, 75.0 and 73.0 % for 1, 2 and 4 classes). Reimplemented: the paper says "high-frequency components" and
"the same settings", and no code was released. Which filter it was is open; `_nets.high_frequencies` has ours.
All else is LGrad's recipe and view of pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.high_frequencies import WHOLE, high_frequency_pictures
from ._nets.pixels import IMAGENET, normalise
from ._nets.reimplemented import reimplemented

if TYPE_CHECKING:
    from torch import Tensor

NETWORKS = reimplemented("highpass")


class HighPass(LogitDetector):
    """A classifier with one logit on 8-bit pictures of high frequencies."""

    variants: ClassVar = {"published": tuple(NETWORKS)}
    rows: ClassVar = {"published": ("reimplemented-4class",)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5
    prepare = WHOLE

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"highpass:{variant}"
        self.classifier = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, 256, 256) in [0, 1] to raw logits (n,)."""
        logits: Tensor = self.classifier(normalise(high_frequency_pictures(batch), IMAGENET))
        return logits.squeeze(1)
