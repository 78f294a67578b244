"""FreqNet: a small network that looks at high frequencies, of the picture and of its own maps.

Tan, Zhao, Wei, Gu, Liu, Wei, "Frequency-Aware Deepfake Detection: Improving Generalizability through
Frequency Space Domain Learning" (AAAI 2024). Code and weights:
https://github.com/chuangchuangtan/FreqNet-DeepfakeDetection (no licence).

It was trained at 224 pixels and is tested at others, by its authors too: pictures are squashed to 256² for
ForenSynths (`squash256`), and whole for GANGen-Detection (`native`). Where frequencies lie depends on the
size, so that the two, and a crop to 224, score differently.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.frequency_network import FrequencyNetwork
from ._nets.networks import Network
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.published import published

MARKS = {"weight1": (64, 3, 1, 1), "realconv1.weight": (64, 64, 1, 1), "fc1.weight": (1, 512)}
NETWORK = Network(FrequencyNetwork, published("freqnet", MARKS))
INPUTS = {"squash256": Preprocess(IMAGENET, resize=256), "native": Preprocess(IMAGENET)}


class FreqNet(LogitDetector):
    """A classifier with one logit on high frequencies."""

    variants: ClassVar = {"published": tuple(INPUTS)}
    rows: ClassVar = {"published": ("squash256",)}
    needs: ClassVar = dict.fromkeys(INPUTS, (NETWORK.checkpoint,))
    checkpoints: ClassVar = (NETWORK.checkpoint,)
    version = "1"
    threshold = 0.5
    trained_on = ("progan",)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"freqnet:{variant}"
        self.prepare = INPUTS[variant]
        self.network = NETWORK.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, H, W) of any size to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
