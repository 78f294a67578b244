"""FrePGAN (reimplemented): a ResNet-50 on pictures to which a generator has added what hides their artefacts.

Jeong, Kim, Ro, Choi, "FrePGAN: Robust Deepfake Detection Using Frequency-Level Perturbations" (AAAI 2022,
arXiv 2202.03347). Nobody has published code or weights, and the names of its variants say so.

From the paper, by its abstract and by what others wrote of it:

* the map of a picture x is G(x) = F⁻¹(H(F(x))): a Fourier transform of each channel, whose real and imaginary
  parts are two channels; H, an encoder-decoder with an output of the same size; the inverse transform;
* the classifier is a ResNet-50 that sees x + G(x) of reals and fakes alike, trained on binary cross-entropy;
* a discriminator of strided convolutions tells real pictures from G's, and within one iteration generator and
  discriminator, then the classifier are updated: first it learns artefacts of frequencies, at last the rest.

Ours, for no source at hand says it: that the discriminator sees x + G(x) rather than G(x), and patches of it;
that H is CycleGAN's generator (32 channels, 6 blocks) on orthonormal coefficients, compressed by a signed
logarithm, and begins with maps of zero; losses, their weights, learning rates, batch and epochs
(`forenbench.training.frepgan`); that testing adds the map, too; the pictures, which are CNNDetection's: a
random crop of 224 pixels for training, where the shorter side is 256 or made so, and for scoring the central
224 pixels as they are, with black around smaller pictures.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.frequency_maps import PerturbationMap, PerturbedClassifier
from ._nets.networks import resnet_50
from ._nets.pixels import IMAGENET, Preprocess
from ._nets.reimplemented import reimplemented

MARKS = {"perturbation.network.model.1.weight": (32, 6, 7, 7), "classifier.fc.weight": (1, 2048)}


def network() -> nn.Module:
    """Make generator and classifier, unfilled."""
    return PerturbedClassifier(PerturbationMap(), resnet_50())


NETWORKS = reimplemented("frepgan", build=network, marks=MARKS)


class FrePGAN(LogitDetector):
    """A classifier with one logit on a picture and what is added to it."""

    variants: ClassVar = {"published": tuple(NETWORKS)}
    rows: ClassVar = {"published": ("reimplemented-4class",)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5
    prepare = Preprocess(IMAGENET, crop=224)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"frepgan:{variant}"
        self.network = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n normalised pictures (n, 3, 224, 224) to raw logits (n,)."""
        logits: Tensor = self.network(batch)
        return logits.squeeze(1)
