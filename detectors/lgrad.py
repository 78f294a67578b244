"""LGrad: a classifier of the gradients that a frozen network has with respect to the image.

Tan et al., "Learning on Gradients: Generalized Artifacts Representation for GAN-Generated Images Detection"
(CVPR 2023). Code, with links to three classifiers: https://github.com/chuangchuangtan/LGrad (no licence).

The official code writes the gradients of one image at a time to 8-bit PNG files, and trains and tests
CNNDetection's network on those. Here they are made on the fly: the same 8-bit pictures, for any batch, once
for all variants with the same transformation model.

A variant is a transformation model (see `_nets.transformations`: what is official there and what our reading)
and what the classifier was trained on: 1, 2 or 4 classes of ProGAN's images, or CelebA-HQ. Published are
`stylegan-bedroom` (4 classes) and its `-1class` and `-2class`, each also with the older code's `-tf-resize`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from forenbench.types import LogitDetector
from forenbench.weights import Checkpoint, Weights

from ._nets.networks import RESNET_50, Network, resnet_50, shipped
from ._nets.pixels import IMAGENET, normalise
from ._nets.published import own, published
from ._nets.small import small_resnet
from ._nets.transformations import TRANSFORMATIONS, picture_maker

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Configuration:
    """One variant.

    Attributes:
        transformation: Name of the transformation model.
        classifier: Judges its 8-bit pictures with one logit; trained on such pictures.
    """

    transformation: str
    classifier: Network

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The files it reads."""
        return (*TRANSFORMATIONS[self.transformation].checkpoints, self.classifier.checkpoint)


PROGAN = "--data forensynths-train --classes"
TRAINING = {
    "1class": f"{PROGAN} horse",
    "2class": f"{PROGAN} chair,horse",
    "4class": f"{PROGAN} car,cat,chair,horse",
    "4k": f"{PROGAN} horse --limit 4000",
    "9k": f"{PROGAN} horse --limit 9000",
    "18k": f"{PROGAN} horse --limit 18000",
    "celebahq": "--data celebahq-train",
}
"""How to train what nobody has published, by the end of the variant's name."""

TABLE_5 = (
    *("vgg16", "inception-v3", "resnet50", "clip-rn50", "vit", "deeplab-v3", "idinvert"),
    *("progan-bedroom", "progan-bridge", "stylegan-cats", "stylegan2-church"),
)
TABLE_1 = ("input-image", "progan-random", "vgg16", "clip-rn50", "progan-bedroom", "progan-bridge")
OWN = (
    *((model, "1class") for model in TABLE_5),  # and of Table 2
    *(("progan-bedroom", ending) for ending in ("2class", "4class")),  # Table 3
    *(("stylegan-bedroom", ending) for ending in ("4k", "9k", "18k")),  # Table 6
    *((model, "celebahq") for model in TABLE_1),
)

# The published classifiers were trained on pictures of the older TensorFlow code, and the released PyTorch
# code resizes otherwise. Images of 256² are the same to both; each classifier is offered with either.
PUBLISHED = {
    f"stylegan-bedroom{ending}{resize}": Configuration(
        f"stylegan-bedroom{resize}", Network(resnet_50, published(classifier, RESNET_50))
    )
    for resize in ("", "-tf-resize")
    for ending, classifier in (("", "lgrad-4class"), ("-2class", "lgrad-2class"), ("-1class", "lgrad-1class"))
} | {
    f"{model}-{ending}": Configuration(
        model,
        Network(
            resnet_50,
            own(
                f"lgrad-{model}-{ending}",
                f"bench train lgrad --transformation {model} {TRAINING[ending]}",
                RESNET_50,
            ),
        ),
    )
    for model, ending in OWN
}
SAMPLE = {"nearest-gan": Configuration("nearest-gan", Network(small_resnet, shipped("lgrad")))}
RECIPES = PUBLISHED | SAMPLE


class LGrad(LogitDetector):
    """A classifier with one logit on 8-bit gradient pictures."""

    variants: ClassVar = {"published": tuple(PUBLISHED), "sample": tuple(SAMPLE)}
    rows: ClassVar = {"published": ("stylegan-bedroom",), "sample": ("nearest-gan",)}
    needs: ClassVar = {variant: recipe.checkpoints for variant, recipe in RECIPES.items()}
    checkpoints: ClassVar = tuple(dict.fromkeys(file for files in needs.values() for file in files))
    version = "2"
    threshold = 0.5

    def __init__(self, variant: str, weights: Weights) -> None:
        recipe = RECIPES[variant]
        self.name = f"lgrad:{variant}"
        # Fakes of ProGAN in every case: with CelebA-HQ as reals they are ProGAN's faces.
        reals = ("celebahq",) if variant.endswith("celebahq") else ()
        self.trained_on = ("nearest",) if variant in SAMPLE else ("progan", *reals)
        self.encoder = picture_maker(recipe.transformation, weights, self.checkpoints)
        self.prepare = self.encoder.prepare
        self.classifier = recipe.classifier.load(weights, self.checkpoints)

    def logit(self, batch: Tensor) -> Tensor:
        """Map n 8-bit pictures of the transformation (n, 3, H, W) to raw logits (n,)."""
        # Whole pictures of 256²: LGrad's eval_test8gan.py sets no_resize and no_crop; its training crops 224.
        # They are 8-bit by now, as in the authors' PNG files: the classifier never saw unrounded gradients.
        logits: Tensor = self.classifier(normalise(batch, IMAGENET))
        return logits.squeeze(1)
