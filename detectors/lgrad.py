"""LGrad: a classifier of the gradients that a frozen GAN discriminator has with respect to the image.

Tan et al., "Learning on Gradients: Generalized Artifacts Representation for GAN-Generated Images Detection"
(CVPR 2023). Code: https://github.com/chuangchuangtan/LGrad (no licence stated), which links the classifiers;
the StyleGAN discriminator is NVIDIA's (CC BY-NC 4.0) in the file format of genforce.

The official code writes the gradients of one image at a time to 8-bit PNG files, and trains and tests
CNNDetection's network on those. Here they are made on the fly: the same 8-bit pictures, for any batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Checkpoint, Weights

from ._nets.gan_discriminators import pggan_256, stylegan_256
from ._nets.gradients import gradient_images
from ._nets.networks import RESNET_50, Network, resnet_50, shipped
from ._nets.pixels import IMAGENET, SYMMETRIC, Preprocess, normalise
from ._nets.small import small_discriminator, small_resnet

if TYPE_CHECKING:
    from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]
GENFORCE = (
    "the model zoo of https://github.com/genforce/genforce (LGrad's README links the discriminator alone)"
)
RELEASED = "the Google Drive folder linked from https://github.com/chuangchuangtan/LGrad"
DENSE: Shapes = {"layer12.weight": (512, 513, 3, 3), "layer14.weight": (1, 512)}
SQUASHED = Preprocess(SYMMETRIC, resize=256)


@dataclass(frozen=True)
class Recipe:
    """One variant.

    Attributes:
        transformation: Maps images to one score each, none depending on the others; we want its gradient.
        classifier: Judges the gradient picture with one logit; trained on this transformation's pictures.
        prepare: Size and range of the transformation's images.
    """

    transformation: Network
    classifier: Network
    prepare: Preprocess = SQUASHED


def _classifier(name: str, file: str, source: str = RELEASED, licence: str = "none stated") -> Network:
    return Network(resnet_50, Checkpoint(f"lgrad-{name}", file, source, licence, RESNET_50))


def _discriminator(build: Callable[[], nn.Module], name: str, file: str, marks: Shapes) -> Network:
    return Network(build, Checkpoint(name, file, GENFORCE, "CC BY-NC 4.0", marks), key="discriminator")


STYLEGAN = _discriminator(
    stylegan_256, "stylegan-bedroom", "stylegan_bedroom256.pth", DENSE | {"layer1.blur.kernel": (64, 1, 3, 3)}
)
PROGAN = _discriminator(pggan_256, "progan-bedroom", "pggan_bedroom256.pth", DENSE)
NEAREST = Network(small_discriminator, shipped("nearest_discriminator"))

FOUR = _classifier("4class", "LGrad-4class-Trainon-Progan_car_cat_chair_horse.pth")
TWO = _classifier("2class", "LGrad-2class-Trainon-Progan_chair_horse.pth")
ONE = _classifier("1class", "LGrad-1class-Trainon-Progan_horse.pth")
OWN = _classifier(
    "progan-bedroom", "model_epoch_last.pth", "your own training: nobody has published it", "yours"
)

PUBLISHED = {
    "stylegan-bedroom": Recipe(STYLEGAN, FOUR),
    "stylegan-bedroom-2class": Recipe(STYLEGAN, TWO),
    "stylegan-bedroom-1class": Recipe(STYLEGAN, ONE),
    "progan-bedroom": Recipe(PROGAN, OWN),
}
SAMPLE = {"nearest-gan": Recipe(NEAREST, Network(small_resnet, shipped("lgrad")))}
RECIPES = PUBLISHED | SAMPLE


class LGrad(LogitDetector):
    """A classifier with one logit on 8-bit gradient pictures."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": ("stylegan-bedroom",), "sample": ("nearest-gan",)}
    checkpoints: ClassVar = tuple(
        dict.fromkeys(
            network.checkpoint
            for recipe in RECIPES.values()
            for network in (recipe.transformation, recipe.classifier)
        )
    )
    version = "1"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        recipe = RECIPES[variant]
        self.name = f"lgrad:{variant}"
        self.prepare = recipe.prepare
        self.transformation = recipe.transformation.load(weights, self.checkpoints)
        self.classifier = recipe.classifier.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n images (n, 3, H, W) in the transformation's range to raw logits (n,)."""
        pictures = gradient_images(self.transformation, batch)
        logits: Tensor = self.classifier(normalise(pictures, IMAGENET))
        return logits.squeeze(1)
