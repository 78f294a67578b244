"""FreDect: AIGCDetectBenchmark's version of Frank et al.'s detector, a ResNet-50 on the cosine transform.

Frank et al., "Leveraging Frequency Analysis for Deep Fake Image Recognition" (ICML 2020), as
https://github.com/Ekko-zn/AIGCDetectBenchmark has it (no licence): the shorter side of a picture is scaled to
256 pixels and the central 224 are transformed, whatever its options say (data/process.py, `processing_DCT`).
That benchmark publishes mean and variance of each coefficient, and a classifier trained on ForenSynths' 20
classes. `progan` has these; an `own-` variant has what you train, with the statistics that it was trained
with in its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.cosines import Standardised
from ._nets.fredect_statistics import MEAN, SIDE, VARIANCE, VIEW, network, statistics
from ._nets.networks import RESNET_50, Network, resnet_50
from ._nets.published import TRAINING_DATA, own, published

if TYPE_CHECKING:
    from torch import Tensor

CLASSIFIER = published("fredect", RESNET_50)
PUBLISHED = (CLASSIFIER, MEAN, VARIANCE)
OWN = {
    f"own-{setting}": Network(
        network, own(f"fredect-own-{setting}", f"bench train fredect {data}", {"mean": (3, SIDE, SIDE)})
    )
    for setting, data in TRAINING_DATA.items()
}


class FreDect(LogitDetector):
    """A classifier with one logit on standardised logarithms of the cosine transform."""

    variants: ClassVar = {"published": ("progan", *OWN)}
    rows: ClassVar = {"published": ("progan",)}
    needs: ClassVar = {"progan": PUBLISHED} | {name: (found.checkpoint,) for name, found in OWN.items()}
    checkpoints: ClassVar = (*PUBLISHED, *(found.checkpoint for found in OWN.values()))
    version = "1"
    threshold = 0.5
    prepare = VIEW

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"fredect:{variant}"
        if variant in OWN:
            self.network = OWN[variant].load(weights, self.checkpoints)
            return
        self.trained_on = ("progan",)
        classifier = Network(resnet_50, CLASSIFIER).load(weights, self.checkpoints)
        self.network = Standardised(classifier, *statistics(weights, self.checkpoints)).eval()

    def logit(self, batch: Tensor) -> Tensor:
        """Map n transforms (n, 3, 224, 224) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
