"""Patch forensics' training (Chai et al., ECCV 2020): a network of patches, each with its picture's label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from forenbench.detectors._nets.patch_networks import (
    FAKE_CLASS,
    PATCH_NETWORKS,
    patch_network,
    preparation,
    side,
)
from forenbench.errors import BenchError, unknown

from . import starts
from .learners import Learner, as_they_are, fake_over_real
from .recipes import TrainingRecipe
from .schedules import Plateau
from .views import Decoded, PlainView

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from forenbench.detectors._nets.pixels import Preprocess
    from forenbench.weights import Weights

PATIENCE = {"xception-block1": 50, "xception-block2": 20}
"""Of the authors' scripts; all others have 10."""

_GAIN = 0.02


def patch_recipe(name: str) -> TrainingRecipe:
    """Return how a network of patches is trained.

    Raises:
        BenchError: There is no network of this name.
    """
    if name not in PATCH_NETWORKS:
        raise BenchError(unknown("network of patches", name, PATCH_NETWORKS))
    return TrainingRecipe(
        rate=1e-3,
        batch=32,
        epochs=1002,  # train.py counts from 0, and stops *after* `--max_epochs 1000` has been passed
        # It stops at `epoch > best + 5 * patience`, or an epoch after a perfect accuracy, for nothing.
        schedule=Plateau(5 * PATIENCE.get(name, 10) + 1, enough=1.0),
        official_keep="best",
        resize=side(name),
        crop=side(name),
        pairs=True,
    )


def patch_learner(recipe: TrainingRecipe, name: str, start: str, seed: int, weights: Weights) -> Learner:
    """Make a network of patches in its initial state.

    Args:
        recipe: How it is trained.
        name: Of the network.
        start: "random", or a file of this very network.
        seed: Of the random start.
        weights: Reads the file.

    Raises:
        BenchError: There is no such file.
        WrongWeights: It holds something else.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = patch_network(name).apply(_start)
    facts = {"initialisation": "random"}
    if start != "random":
        facts = starts.fill(network, start, weights).facts
    facts |= {"network": name, "shown": "shorter side by Lanczos, central square of it, flip"}
    prepare = preparation(recipe.crop)
    return Learner(
        network,
        Decoded(Mirrored(prepare, recipe.flip)),
        Decoded(PlainView(prepare)),
        as_they_are,
        facts=facts,
        logits=partial(fake_over_real, fake=FAKE_CLASS),
    )


@dataclass(frozen=True)
class Mirrored:
    """Prepares an image as for scoring, and mirrors it with a probability."""

    prepare: Preprocess
    flip: float

    def __call__(self, image: Image, random: np.random.Generator) -> Tensor:
        """Turn one image into what the network trains on."""
        prepared = self.prepare(image)
        return prepared.flip(2) if random.random() < self.flip else prepared


def _start(layer: nn.Module) -> None:
    """Start a layer as the authors' `init_weights` (models/networks/netutils.py) does."""
    if isinstance(layer, nn.Conv2d):
        # A fiftieth of Xavier's usual weights; batch norms make up for it, but behind the last layer is none.
        nn.init.xavier_normal_(layer.weight, _GAIN)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, _GAIN)
        nn.init.zeros_(layer.bias)
