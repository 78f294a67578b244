"""FingerprintNet (reimplemented): a ResNet-50 on spectra, which learned from real photographs alone.

Jeong, Kim, Ro, Kim, Choi, "FingerprintNet: Synthesized Fingerprints for Generated Image Detection" (ECCV
2022). Nobody has published code or weights, and the names of its variants say so.

From the abstract: training takes real pictures only; a generator reproduces the fingerprints of many kinds of
generative models; the detector works where these stand out, in the frequency domain. The same authors'
"Self-supervised GAN Detector" (arXiv 2111.06575) says by its abstract that the generator is several
auto-encoders with different numbers of up-convolutions. LGrad (CVPR 2023, section 4.3.3) quotes a mean
accuracy of 82.6 % over six GANs beside its own results for one class.

All below that level is ours. One auto-encoder (`_nets.fingerprints.FingerprintGenerator`) draws for each step
how often it halves and doubles, and for each doubling one of three up-samplers and one of three kernels. It
begins with pictures just halved and doubled, and learns to reconstruct, by the mean absolute difference. The
detector is a ResNet-50 from ImageNet's weights on standardised log-magnitudes, and learns to tell a real
picture from its reconstruction in 8 bits; rates, batch and epochs: `forenbench.training.fingerprintnet`.
Pictures are CNNDetection's: a random crop of 224 pixels for training, where the shorter side is 256 or made
so, and for scoring the central 224 pixels as they are, with black around smaller pictures.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.fingerprints import log_spectrum
from ._nets.pixels import PLAIN, Preprocess
from ._nets.reimplemented import reimplemented

NETWORKS = reimplemented("fingerprintnet", ("1class", "4class"))
"""Settings of LGrad, whose photographs these are."""


class FingerprintNet(LogitDetector):
    """A classifier with one logit on the spectrum of a picture."""

    variants: ClassVar = {"published": tuple(NETWORKS)}
    rows: ClassVar = {"published": ("reimplemented-1class",)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5
    prepare = Preprocess(PLAIN, crop=224)

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"fingerprintnet:{variant}"
        self.network = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, 224, 224) in [0, 1] to raw logits (n,)."""
        logits: Tensor = self.network(log_spectrum(batch))
        return logits.squeeze(1)
