"""Durall: a support vector machine or a logistic regression on the radial spectrum of a picture.

Durall, Keuper, Keuper, "Watch your Up-Convolution: CNN Based Generative Deep Neural Networks are Failing to
Reproduce Spectral Distributions" (CVPR 2020); https://github.com/cc-hpc-itwm/DeepFakeDetection (no licence).
`_nets.radial_spectrum` has the features and their quirks, `training.durall` the classifiers' settings.

A variant is the features, the classifier, and what it was fitted to: 1, 2 or 4 classes of ProGAN's images.
All pairs of features and classifiers that the authors' notebooks have are there with 4 classes. Which of them
LGrad's Table 3 has is not documented. Its "Durall" rows are `celeba-svm-rbf` here: the features that were
made for small pictures, and the machine that did best on them.

The score of a machine is its decision function, above 0 for fakes; that of a regression a probability. Fakes
are the second class everywhere, while the notebook of FaceForensics has them as the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.fitted_classifiers import LINEAR, POLYNOMIAL, RBF, Content, decision, load_classifier
from ._nets.networks import shipped
from ._nets.published import TRAINING_DATA, own
from ._nets.radial_spectrum import FEATURES, RadialSpectrum

if TYPE_CHECKING:
    from torch import Tensor

KINDS = {"svm-rbf": RBF, "svm-linear": LINEAR, "svm-poly": POLYNOMIAL, "logistic": LINEAR}
NOTEBOOKS = {"faces-hq": tuple(KINDS), "celeba": tuple(KINDS), "ffpp": ("svm-rbf", "logistic")}
CHOICES = (
    *((features, classifier, "4class") for features, some in NOTEBOOKS.items() for classifier in some),
    *(("celeba", "svm-rbf", ending) for ending in ("1class", "2class")),
)
# No marks: how many support vectors there are is found out by fitting.
PUBLISHED = {
    f"{features}-{classifier}-{ending}": (
        (features, classifier, ending),
        own(
            f"durall-{features}-{classifier}-{ending}",
            f"bench train durall --features {features} --classifier {classifier} {TRAINING_DATA[ending]}",
            safetensors=f"safetensors: {', '.join(KINDS[classifier])}",
        ),
    )
    for features, classifier, ending in CHOICES
}
SAMPLE = {"celeba-svm-rbf": (("celeba", "svm-rbf", "nearest"), shipped("durall"))}
VARIANTS = PUBLISHED | SAMPLE


class Machine:
    """How far an image is on the side of fakes; not a probability."""

    version = "1"
    trained_on: tuple[str, ...] = ()
    threshold = 0.0

    def __init__(self, name: str, prepare: RadialSpectrum, content: Content) -> None:
        self.name, self.prepare, self.content = name, prepare, content

    def score(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to values of the decision function (n,)."""
        return decision(self.content, batch)


class Regression(LogitDetector):
    """One logit from the features."""

    version = "1"
    trained_on: tuple[str, ...] = ()
    threshold = 0.5

    def __init__(self, name: str, prepare: RadialSpectrum, content: Content) -> None:
        self.name, self.prepare, self.content = name, prepare, content

    def logit(self, batch: Tensor) -> Tensor:
        """Map features (n, d) to raw logits (n,)."""
        return decision(self.content, batch)


class _Family:
    """Makes the detector of each variant."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": ("celeba-svm-rbf-4class",), "sample": tuple(SAMPLE)}
    needs: ClassVar = {variant: (checkpoint,) for variant, (_, checkpoint) in VARIANTS.items()}
    checkpoints: ClassVar = tuple(checkpoint for _, checkpoint in VARIANTS.values())

    def __call__(self, variant: str, weights: Weights) -> Machine | Regression:
        (features, classifier, _), checkpoint = VARIANTS[variant]
        prepare, kind = FEATURES[features], KINDS[classifier]
        content = load_classifier(weights, checkpoint, kind, prepare.points)
        make = Regression if classifier == "logistic" else Machine
        made = make(f"durall:{variant}", prepare, content)
        made.trained_on = ("nearest",) if variant in SAMPLE else ()
        return made


Durall = _Family()
