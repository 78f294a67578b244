"""BiHPF: a ResNet-50 on spectra whose high frequencies, and pictures whose background, are amplified.

Jeong, Kim, Min, Joe, Gwon, Choi, "BiHPF: Bilateral High-Pass Filters for Robust Deepfake Detection" (WACV
2022). Reimplemented from descriptions: the authors released no code and no weights. What these leave open is
ours: the filters and the input (`_nets.bilateral_filters`), and the training, which is LGrad's recipe on
pictures of 256² (shorter side, central square). The classes of LGrad's Table 3 are trained on.

`bench show compression-map` learns the paper's artefact compression map against a trained classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.bilateral_filters import WHOLE, classifier_input, filtered_spectra
from ._nets.pixels import as_pixels
from ._nets.reimplemented import reimplemented

if TYPE_CHECKING:
    from torch import Tensor

NETWORKS = reimplemented("bihpf")


class BiHPF(LogitDetector):
    """A classifier with one logit on filtered spectra."""

    variants: ClassVar = {"published": tuple(NETWORKS)}
    rows: ClassVar = {"published": ("reimplemented-4class",)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    checkpoints: ClassVar = tuple(network.checkpoint for network in NETWORKS.values())
    version = "1"
    threshold = 0.5
    prepare = WHOLE

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"bihpf:{variant}"
        self.classifier = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n pictures (n, 3, 256, 256) in [0, 1] to raw logits (n,)."""
        return self.judge(self.spectra(batch))

    def spectra(self, batch: Tensor) -> Tensor:
        """Map n pictures in [0, 1] to filtered magnitudes (n, 3, 256, 256), frequency zero in the middle."""
        return filtered_spectra(as_pixels(batch).float())

    def judge(self, spectra: Tensor) -> Tensor:
        """Map such magnitudes to raw logits (n,); they can be differentiated."""
        logits: Tensor = self.classifier(classifier_input(spectra))
        return logits.squeeze(1)
