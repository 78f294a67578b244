"""Training of the co-occurrence detector's network, in either reading of its paper."""

from __future__ import annotations

from dataclasses import replace

import torch

from forenbench.detectors._nets.pixel_pairs import READINGS, PairNetwork, generated

from .learners import Learner, as_they_are
from .recipes import TrainingRecipe
from .schedules import Constant
from .views import Decoded, PlainView

# No code of either training is public. Batch and epochs are remembered of the paper; a reproduction by others
# (Baselines/natraj_gan_baseline.py of manjaryp/GANvsGraphicsvsReal) has the same batch, another optimiser and
# other epochs. Adadelta at its customary rate is remembered, too; what GRIP trained with is not known at all.
_PAPER = TrainingRecipe(
    rate=1.0,
    batch=40,
    epochs=50,
    schedule=Constant(),
    keep="last",
    official_keep="last",
    optimiser="adadelta",
    resize=None,
    crop=0,  # pairs are counted in the whole picture
    flip=0.0,
    validate_every=10,
)
# Adadelta's first steps are as small as the gradients, and shares of 1e-5 make tiny ones: it would not move.
COOCCURRENCE = {"paper": _PAPER, "grip": replace(_PAPER, rate=1e-4, optimiser="adam")}
"""By reading."""


def cooccurrence(reading: str, seed: int) -> Learner:
    """Train a network on the pairs of whole pictures.

    Args:
        reading: One of `READINGS`.
        seed: Of the network's start, which is PyTorch's own.
    """
    how = READINGS[reading]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PairNetwork(how.outputs)
    read = Decoded(PlainView(how.prepare))
    facts = {
        "initialisation": "random",
        "reading": reading,
        "ours": "optimiser, rate, batch and epochs: no code of this training is public",
    }
    return Learner(network, read, read, as_they_are, facts=facts, logits=generated)
