"""Training of AutoGAN's classifier: spectra of pictures, or the other features of its code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from forenbench.detectors._nets.autogan_features import SQUASHED, AutoGANView, feature_of
from forenbench.detectors._nets.encoders import RESNET_34
from forenbench.detectors._nets.networks import resnet_34

from .initial import begin
from .learners import Learner, as_they_are, fake_over_real
from .recipes import TrainingRecipe
from .schedules import Constant
from .views import Decoded, PlainView, crop_and_flip

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from forenbench.weights import Weights

# code/run_training.py: batch and epochs differ from the defaults of GAN_Detection_Train.py, and its
# --data_augment is the random crop. `adjust_learning_rate` sets the rate to what it was. Epochs count from 1,
# and a file is written where the number plus one is a multiple of ten: the official checkpoint_20.pth has
# seen 19 epochs, and the twentieth is lost.
AUTOGAN = TrainingRecipe(
    rate=0.01,
    batch=16,
    epochs=20,
    schedule=Constant(),
    keep="last",
    official_keep="last",
    optimiser="sgd",
    momentum=0.9,
    dampening=0.9,
    decay=1e-4,
    resize=256,  # of both sides: the picture is squashed
    crop=224,
    flip=0.0,
    validate_every=5,
)
IMAGENET_OF_2019 = (
    "torchvision's first ImageNet weights; official training had the file resnet34-333f7ec4.pth"
)


@dataclass(frozen=True)
class CroppedFeature:
    """The feature of a random crop of a squashed picture.

    Attributes:
        feature: One of `FEATURES`.
        recipe: Its crop.
    """

    feature: str
    recipe: TrainingRecipe

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one RGB image into what the network trains on."""
        return feature_of(crop_and_flip(SQUASHED.levels(image), self.recipe, random), self.feature)


def autogan(recipe: TrainingRecipe, feature: str, init: str, seed: int, weights: Weights) -> Learner:
    """Train a ResNet-34 of two classes, of which the first is "generated".

    Args:
        recipe: How.
        feature: What it sees.
        init: "imagenet", "random" or a file of this network. The last layer starts as PyTorch draws it.
        seed: Of whatever is random in that.
        weights: Where ImageNet's file is.

    Raises:
        BenchError: `init` is none of these.
        MissingWeights: ImageNet's file is not on this machine.
        WrongWeights: It holds something else.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = resnet_34()
    start = begin(network, init, weights, RESNET_34, IMAGENET_OF_2019)
    read = Decoded(CroppedFeature(feature, recipe)), Decoded(PlainView(AutoGANView(feature)))
    facts = {**start.facts, "feature": feature}
    if not start.file:  # which has a last layer, too
        facts["last_layer"] = "PyTorch's own start"  # and not the recipe's deviation
    return Learner(network, *read, as_they_are, facts=facts, logits=partial(fake_over_real, fake=0))
