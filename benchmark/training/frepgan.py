"""FrePGAN's training, reimplemented: a generator of maps, its discriminator, and the classifier beside them.

What is the paper's and what is ours: `detectors/frepgan.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import Adam, Optimizer

from forenbench.detectors._nets.cyclegan import Discriminator, start
from forenbench.detectors._nets.frequency_maps import PerturbedClassifier
from forenbench.detectors._nets.pixels import IMAGENET, normalise

from .randomness import Read
from .recipes import TrainingRecipe
from .rivals import descend
from .schedules import LinearDecay
from .views import Decoded, TrainView

if TYPE_CHECKING:
    import numpy as np

# All of it ours, for no source at hand has any of these numbers. Rate and pictures are as CNNDetection's,
# without augmentation; the schedule's shape is CycleGAN's, whose generator and discriminator these are.
FREPGAN = TrainingRecipe(
    rate=1e-4,
    batch=16,
    epochs=20,
    schedule=LinearDecay.over(20),
    keep="last",
    official_keep="last",
)
GAN_RATE, GAN_BETAS = 2.0, (0.5, 0.999)
"""Learning rate of generator and discriminator over the classifier's, and their betas: CycleGAN's."""

RESTRAINT = 1.0
"""Weight of the mean square of what is added to pictures, beside the generator's adversarial loss."""

OURS = {
    "discriminator_sees": "x + G(x) of reals and fakes against x of reals, in patches of 70 pixels",
    "losses": "binary cross-entropy for all three; the generator's against labels of reals",
    "restraint": RESTRAINT,
    "optimisers": f"Adam; generator and discriminator at {GAN_RATE:g} times the rate, betas {GAN_BETAS}",
    "generator": "CycleGAN's, on orthonormal coefficients under a signed logarithm; its maps begin at zero",
    "scored": "C(x + G(x)) of the central 224 pixels, not resized",
}
"""What a card says of choices that the paper leaves open; the recipe beside them is ours, too."""


class FrePGANTraining:
    """Discriminator, generator and classifier, trained in this order within each step (see `Rivals`).

    Args:
        recipe: How; its rate is the classifier's.
        judge: The generator, whose weights are drawn here, and the classifier as it starts.
        discriminator: Its weights are drawn here.
        seed: Of these draws.
        facts: What a card tells of the classifier's start.
    """

    def __init__(
        self,
        recipe: TrainingRecipe,
        judge: PerturbedClassifier,
        discriminator: Discriminator,
        seed: int,
        facts: Mapping[str, Any],
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            start(judge.perturbation)
            start(discriminator)
        # Maps of nothing: the paper wants the classifier to learn artefacts of frequencies at first, and the
        # noise of a fresh generator would drown them.
        for last in judge.perturbation.network.model[-1].parameters():
            nn.init.zeros_(last)
        self.judge, self.discriminator = judge, discriminator
        self.networks: Mapping[str, nn.Module] = {"judge": judge, "discriminator": discriminator}
        rate = GAN_RATE * recipe.rate
        self.optimisers: Mapping[str, Optimizer] = {
            "discriminator": Adam(discriminator.parameters(), rate, GAN_BETAS),
            "generator": Adam(judge.perturbation.parameters(), rate, GAN_BETAS),
            "classifier": Adam(judge.classifier.parameters(), recipe.rate, recipe.betas),
        }
        self.memory: dict[str, Tensor] = {}
        self.read: Read = Decoded(TrainView(recipe))
        self.facts: dict[str, Any] = {
            **facts,
            "reimplemented": "nobody has published code; the recipe is ours, too",
            "ours": OURS,
        }

    def step(self, images: Tensor, labels: Tensor, random: np.random.Generator) -> Mapping[str, float]:
        """Train each network once on 8-bit pictures (n, 3, H, W); nothing is drawn."""
        pictures = normalise(images, IMAGENET)
        change = self.judge.perturbation(pictures)
        changed = pictures + change
        # In one batch: no class of it can be empty then, as the reals of a batch alone may be.
        shown = torch.cat([pictures[labels == 0], changed.detach()])
        truth = torch.arange(len(shown), device=labels.device) >= len(shown) - len(changed)
        judged = _entropy(self.discriminator(shown), truth.float())
        judged_loss = descend(self.optimisers["discriminator"], judged)

        hidden = _entropy(self.discriminator(changed), torch.zeros_like(labels))
        added = change.square().mean()
        descend(self.optimisers["generator"], hidden + RESTRAINT * added)

        with torch.no_grad():  # the classifier has no say in the maps
            changed = pictures + self.judge.perturbation(pictures)
        logits = self.judge.classifier(changed).squeeze(1)
        loss = descend(self.optimisers["classifier"], binary_cross_entropy_with_logits(logits, labels))
        return {
            "classifier": loss,
            "discriminator": judged_loss,
            "generator": float(hidden.detach()),
            "added": float(added.detach().sqrt()),
            "training_accuracy": float(((logits > 0) == labels.bool()).float().mean()),
        }

    def publish(self) -> dict[str, Any]:
        """Return generator and classifier, as the detector reads them."""
        return {key: value.cpu() for key, value in self.judge.state_dict().items()}


def _entropy(scores: Tensor, truth: Tensor) -> Tensor:
    """Return the binary cross-entropy of patches (n, 1, h, w), each with its picture's label (n,)."""
    return binary_cross_entropy_with_logits(scores, truth[:, None, None, None].expand_as(scores))
