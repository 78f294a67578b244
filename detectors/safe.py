"""SAFE: NPR's short ResNet on the finest diagonal details of a wavelet transform.

Li, Cai, Hao, Jiang, Hu, Feng, "Improving Synthetic Image Detection Towards Generalization: An Image
Transformation Perspective" (KDD 2025). Code and weights: https://github.com/Ouxiang-Li/SAFE (Apache-2.0).

Pictures are never resized: `crop256` sees the central 256 pixels, black around smaller pictures, and no mean
or deviation is subtracted. The details, half as large, are scaled back to the size of what they are of. The
code also offers whole pictures, `native`, and pictures squashed to 256², `squash256`; the paper's tables are
of the crop.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import interpolate

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network
from ._nets.pixel_residuals import ShortResNet, wavelet_diagonal
from ._nets.pixels import PLAIN, Preprocess
from ._nets.published import published
from ._nets.widening import widened

SAFE_MARKS = {"conv1.weight": (64, 3, 3, 3), "fc1.weight": (2, 512)}
NETWORK = Network(partial(ShortResNet, 2), published("safe", SAFE_MARKS))
INPUTS = {
    "crop256": Preprocess(PLAIN, crop=256),
    "native": Preprocess(PLAIN),
    "squash256": Preprocess(PLAIN, resize=256),
}


class SAFE(LogitDetector):
    """A classifier of two classes on diagonal details."""

    variants: ClassVar = {"published": tuple(INPUTS)}
    rows: ClassVar = {"published": ("crop256",)}
    needs: ClassVar = dict.fromkeys(INPUTS, (NETWORK.checkpoint,))
    checkpoints: ClassVar = (NETWORK.checkpoint,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"safe:{variant}"
        self.prepare = INPUTS[variant]
        self.network = NETWORK.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, H, W) in [0, 1] to how far the class "generated" is ahead (n,)."""
        details = wavelet_diagonal(batch)
        large = interpolate(details, batch.shape[2:], mode="bilinear", antialias=True)
        logits = widened(self.network(large))
        # The sigmoid of the difference is the softmax's second entry.
        return logits[:, 1] - logits[:, 0]
