"""Frank et al.'s classifiers of the discrete cosine transform, by the logarithms of its coefficients.

Frank, Eisenhofer, Schönherr, Fischer, Kolossa, Holz, "Leveraging Frequency Analysis for Deep Fake Image
Recognition" (ICML 2020). Code: https://github.com/RUB-SysSec/GANDCTAnalysis (no weights for ForenSynths, and
those that there are need TensorFlow), so that every variant has to be trained.

A variant is a classifier (`ridge`, the paper's logistic regression with an L2 penalty; `cnn`; `resnet`), what
it sees where that is not the transform of the whole picture (`pixels`: the samples, which the paper compares
with; `lsun`: the transform of what its authors made of LSUN's photographs, 128 × 128 pixels), and what it was
trained on: LGrad's 1, 2 or 4 classes of ProGAN's images, or all of them. LGrad's Table 3 does not say which
classifier its rows of "Frank" are: ours is `ridge`.

ForenSynths' training images have 256 × 256 pixels. Others are squashed to that, as LGrad does it: the paper
knows data sets of one size alone, so that this is our choice.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.frank_networks import CLASSIFIERS, INPUTS, SMALL, SMALL_INPUT, classifier
from ._nets.networks import Network, shipped
from ._nets.published import TRAINING_DATA, own

if TYPE_CHECKING:
    from torch import Tensor

    from ._nets.cosines import Pixels

TRAINED = {f"{name}-{setting}": (name, "dct", setting) for name in CLASSIFIERS for setting in TRAINING_DATA}
TRAINED |= {
    f"{name}-{seen}-progan": (name, seen, "progan")
    for name in CLASSIFIERS
    for seen in INPUTS
    if seen != "dct"
}
"""Classifiers, what they see, and what they are trained on, by variant."""

PUBLISHED = {
    variant: (
        prepare,
        Network(
            partial(classifier, name, side),
            own(
                f"frank-{variant}",
                f"bench train frank {TRAINING_DATA[setting]} --classifier {name} --input {seen}",
                {"mean": (3, side, side)},
            ),
        ),
    )
    for variant, (name, seen, setting) in TRAINED.items()
    for prepare, side in [INPUTS[seen]]
}
SAMPLE = {"ridge-small": (SMALL_INPUT, Network(partial(classifier, "ridge", SMALL), shipped("frank")))}
VARIANTS = PUBLISHED | SAMPLE


class Frank(LogitDetector):
    """A classifier with one logit on standardised logarithms of the cosine transform."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": ("ridge-4class",), "sample": tuple(SAMPLE)}
    needs: ClassVar = {variant: (found.checkpoint,) for variant, (_, found) in VARIANTS.items()}
    checkpoints: ClassVar = tuple(found.checkpoint for _, found in VARIANTS.values())
    version = "1"
    threshold = 0.5

    prepare: Pixels

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"frank:{variant}"
        self.trained_on = ("nearest",) if variant in SAMPLE else ()
        self.prepare, trained = VARIANTS[variant]
        self.network = trained.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n transforms (n, 3, H, W), or pictures from 0 to 255, to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
