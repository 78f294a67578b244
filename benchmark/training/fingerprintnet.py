"""FingerprintNet's training, reimplemented: reals against what an auto-encoder makes of them.

What is the paper's and what is ours: `detectors/fingerprintnet.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss
from torch.optim import Adam, Optimizer

from forenbench.detectors._nets.fingerprints import (
    DEPTH,
    KERNELS,
    UPSAMPLERS,
    FingerprintGenerator,
    Upsampling,
    log_spectrum,
)

from .randomness import Read
from .recipes import TrainingRecipe
from .rivals import descend
from .schedules import LinearDecay
from .views import Decoded, TrainView

if TYPE_CHECKING:
    import numpy as np

# All of it ours: no source at hand has any of these numbers.
FINGERPRINTNET = TrainingRecipe(
    rate=1e-4,
    batch=16,
    epochs=20,
    schedule=LinearDecay.over(20),
    keep="last",
    official_keep="last",
)
GENERATOR_RATE = 10.0
"""Learning rate of the generator, whose layers have never seen a picture, over the classifier's."""

OURS = {
    "generator": f"one auto-encoder of 1 to {DEPTH} halvings and doublings, drawn for each step",
    "generator_start": "passes pictures on, halved and doubled",
    "upsamplers": f"drawn for each doubling: {', '.join(UPSAMPLERS)}; kernels {', '.join(map(str, KERNELS))}",
    "losses": "generator: mean absolute difference; classifier: binary cross-entropy, real or reconstructed",
    "optimisers": f"Adam; the generator at {GENERATOR_RATE:g} times the rate",
    "reconstructions": "rounded to 8 bits before the classifier sees them",
    "spectrum": "log-magnitude of each channel, standardised; scored on the central 224 pixels, not resized",
}
"""What a card says of choices that the paper leaves open; the recipe beside them is ours, too."""


class FingerprintTraining:
    """Generator and classifier, trained in this order within each step (see `Rivals`).

    Args:
        recipe: How; its rate is the classifier's.
        classifier: From log spectra (n, 3, H, W) to logits (n, 1), as it starts.
        seed: Of the generator's weights.
        facts: What a card tells of the classifier's start.
        width: Of the generator.
    """

    def __init__(
        self,
        recipe: TrainingRecipe,
        classifier: nn.Module,
        seed: int,
        facts: Mapping[str, Any],
        width: int = 32,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = FingerprintGenerator(width)
        self.classifier = classifier
        self.networks: Mapping[str, nn.Module] = {"generator": self.generator, "classifier": classifier}
        self.optimisers: Mapping[str, Optimizer] = {
            "generator": Adam(self.generator.parameters(), GENERATOR_RATE * recipe.rate, recipe.betas),
            "classifier": Adam(classifier.parameters(), recipe.rate, recipe.betas),
        }
        self.memory: dict[str, Tensor] = {}
        self.read: Read = Decoded(TrainView(recipe))
        self.facts: dict[str, Any] = {
            **facts,
            "reimplemented": "nobody has published code; the recipe is ours, too",
            "ours": OURS,
        }

    def step(self, images: Tensor, labels: Tensor, random: np.random.Generator) -> Mapping[str, float]:
        """Train each network once on real 8-bit pictures (n, 3, H, W); the up-samplers are drawn."""
        pictures = images.float() / 255
        reconstructed = self.generator(pictures, drawn(random))
        difference = descend(self.optimisers["generator"], l1_loss(reconstructed, pictures))

        # In 8 bits, as reals are and fakes will be: else the lack of rounding noise would tell the two apart.
        fakes = reconstructed.detach().clamp(0, 1).mul(255).round().div(255)
        truth = torch.cat([torch.zeros_like(labels), torch.ones_like(labels)])
        logits = self.classifier(log_spectrum(torch.cat([pictures, fakes]))).squeeze(1)
        loss = descend(self.optimisers["classifier"], binary_cross_entropy_with_logits(logits, truth))
        right = ((logits > 0) == truth.bool()).float().mean()
        return {"classifier": loss, "generator": difference, "training_accuracy": float(right)}

    def publish(self) -> dict[str, Any]:
        """Return the classifier, as the detector reads it."""
        return {key: value.cpu() for key, value in self.classifier.state_dict().items()}


def drawn(random: np.random.Generator) -> list[Upsampling]:
    """Draw how many doublings there are, and an up-sampler and a kernel for each."""
    return [
        Upsampling(UPSAMPLERS[random.integers(len(UPSAMPLERS))], KERNELS[random.integers(len(KERNELS))])
        for _ in range(random.integers(1, DEPTH, endpoint=True))
    ]
