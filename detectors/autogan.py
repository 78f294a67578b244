"""AutoGAN: a ResNet-34 on the spectrum of a picture, trained on generated or on simulated images.

Zhang, Karaman, Chang, "Detecting and Simulating Artifacts in GAN Fake Images" (WIFS 2019). Code:
https://github.com/ColumbiaDVMM/AutoGAN (BSD). It publishes auto-encoders that simulate a GAN, no classifier
("the classifiers are missing", its issue 9): every variant has to be trained.

A variant is what the classifier sees (see `_nets.autogan_features`) and what it was trained on: ForenSynths'
ProGAN images; CycleGAN's, as the "Freq-spec" rows of UnivFD's tables, from a folder `cyclegan`, for no
dataset has them; or ForenSynths' real images beside what auto-encoders with this up-sampling made of them.
`fft-small` is a narrow ResNet for the `sample` dataset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Weights

from ._nets.autogan_features import FEATURES, AutoGANView
from ._nets.encoders import RESNET_34
from ._nets.networks import Network, resnet_34, shipped
from ._nets.published import own
from ._nets.small import small_spectrum_resnet
from ._nets.widening import widened

if TYPE_CHECKING:
    from torch import Tensor

TRAINING = {
    "progan": "--data forensynths-train",
    "cyclegan": "--data cyclegan",
    "transposed-forensynths": "--data forensynths-train --simulate transposed",
    "nearest-forensynths": "--data forensynths-train --simulate nearest",
    "nearest-transposed-forensynths": "--data forensynths-train --simulate nearest,transposed",
}
"""How to train what nobody has published, by the end of the variant's name."""

PUBLISHED = {
    f"{feature}-{ending}": Network(
        resnet_34,
        own(
            f"autogan-{feature}-{ending}",
            f"bench train autogan {TRAINING[ending]} --feature {feature}",
            {"conv1.weight": (64, 3, 7, 7), "fc.weight": (2, 512)},
        ),
    )
    for feature, endings in {"fft": TRAINING, **dict.fromkeys(FEATURES[1:], ("progan",))}.items()
    for ending in endings
}
SAMPLE = {"fft-small": Network(small_spectrum_resnet, shipped("autogan"))}
NETWORKS = PUBLISHED | SAMPLE


class AutoGAN(LogitDetector):
    """A classifier of two classes on spectra; the first of them is "generated"."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": ("fft-progan",), "sample": tuple(SAMPLE)}
    needs: ClassVar = {variant: (network.checkpoint,) for variant, network in NETWORKS.items()}
    # ImageNet's file is what training starts from: no variant reads it.
    checkpoints: ClassVar = (*(network.checkpoint for network in NETWORKS.values()), RESNET_34)
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        self.name = f"autogan:{variant}"
        self.trained_on = ("nearest",) if variant in SAMPLE else ()
        self.prepare = AutoGANView(variant.partition("-")[0])
        self.network = NETWORKS[variant].load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n features (n, 3, H, W) to raw logits (n,)."""
        classes = widened(self.network(batch))
        # code/cycleGAN_dataset.py labels real images 1 and generated ones 0.
        difference: Tensor = classes[:, 0] - classes[:, 1]
        return difference
