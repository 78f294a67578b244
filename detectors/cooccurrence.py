"""Co-occurrence: a small network on how often two values of a colour meet at a fixed distance.

Nataraj et al., "Detecting GAN generated Fake Images using Co-occurrence Matrices" (Electronic Imaging 2019).
Nobody published code or weights of the paper. Two readings of it are here: `paper`, counts of neighbours in a
row and one output; and `grip`, as https://github.com/grip-unina/DMimageDetection has it: shares of pairs five
columns apart and two outputs, of which the second is "generated". See `_nets.pixel_pairs` for both.

Pictures are neither resized nor cropped; a larger one gives larger counts to `paper`. Weights have to be
trained: the "Co-occurrence" rows of UnivFD's tables were, on ForenSynths' 20 classes. `paper-small` is a
narrow network for the `sample` dataset.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.networks import Network, shipped
from ._nets.pixel_pairs import READINGS, PairNetwork, generated, small_pair_network
from ._nets.published import own

if TYPE_CHECKING:
    from torch import Tensor

# LGrad's tables have no such rows, so that its class settings are not here.
PUBLISHED = {
    f"{reading}-progan": Network(
        partial(PairNetwork, how.outputs),
        own(
            f"cooccurrence-{reading}-progan",
            f"bench train cooccurrence --data forensynths-train --reading {reading}",
            {"main.0.weight": (32, 3, 3, 3), "main.14.weight": (how.outputs, 256)},
        ),
    )
    for reading, how in READINGS.items()
}
SAMPLE = {"paper-small": Network(small_pair_network, shipped("cooccurrence"))}
NETWORKS = PUBLISHED | SAMPLE


class Cooccurrence(LogitDetector):
    """A classifier of pairs of pixels."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"cooccurrence:{variant}"
        self.trained_on = ("nearest",) if variant in SAMPLE else ()
        # Pairs are counted by readers of files: a picture of any size becomes one of 256².
        self.prepare = READINGS[variant.partition("-")[0]].prepare
        self.network = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures' pairs (n, 3, 256, 256) to raw logits (n,)."""
        return generated(self.network(batch))
