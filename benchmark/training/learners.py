"""What is trained: a network, the frozen stage before it, and the published format of its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from forenbench.detectors._nets.encoders import FrozenEncoder
from forenbench.detectors._nets.heads import WholeModel
from forenbench.detectors._nets.pixels import IMAGENET, Statistics, normalise

from . import starts
from .initial import new_head
from .randomness import Read
from .recipes import TrainingRecipe
from .views import Decoded, PlainView, TrainView, ValidationView, centre, crop_each

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from forenbench.detectors._nets.transformations import Transformation

Randoms = list["np.random.Generator"]


@dataclass
class Learner:
    """One network, with everything that its training needs.

    Attributes:
        network: What is optimised.
        read_train: From a training file's bytes to a tensor, in worker processes.
        read_validation: The same for validation files.
        inputs: The frozen stage, on the device: from a batch of these to what the network sees. It is given
            one generator an image in training, None in validation.
        whole: The published file is ``{model, optimizer, total_steps}`` rather than a bare state dict.
        facts: What a card tells of the network: how it started, and the frozen files behind it.
        begun: The training that this one continues, beside its weights; None: a new one.
        logits: From what the network returns to one logit an image (n,), or one for each of its patches
            (n, k), which then are trained as images of their own and validated together.
    """

    network: nn.Module
    read_train: Read
    read_validation: Read
    inputs: Callable[[Tensor, Randoms | None], Tensor]
    whole: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    begun: starts.Begun | None = None
    logits: Callable[[Tensor], Tensor] = lambda output: output.squeeze(1)

    def publish(self, optimiser: Mapping[str, Any], steps: int) -> dict[str, Any]:
        """Return the content of the checkpoint file, as the official code writes it."""
        # Without the prefix of a wrapper for several processes: `network` is what it wraps.
        state = {key: value.cpu() for key, value in self.network.state_dict().items()}
        return {"model": state, "optimizer": optimiser, "total_steps": steps} if self.whole else state


def cnndetection(recipe: TrainingRecipe, network: nn.Module, facts: Mapping[str, Any]) -> Learner:
    """Train a classifier on the pictures themselves."""
    read = Decoded(TrainView(recipe)), Decoded(ValidationView(recipe))
    return Learner(network, *read, Normalised(IMAGENET), whole=True, facts=dict(facts))


def lgrad_cached(recipe: TrainingRecipe, network: nn.Module, facts: Mapping[str, Any]) -> Learner:
    """Train a classifier on gradient pictures that are on disk."""
    read = Decoded(TrainView(recipe)), Decoded(ValidationView(recipe))
    return Learner(network, *read, Normalised(IMAGENET), facts=dict(facts))


def lgrad(
    recipe: TrainingRecipe,
    network: nn.Module,
    facts: Mapping[str, Any],
    transformation: Transformation,
    frozen: nn.Module | None,
) -> Learner:
    """Train a classifier on gradient pictures that are computed during training."""
    made = MadePictures(recipe, partial(transformation.pictures, frozen))
    return of_pictures(transformation.prepare, network, facts, made)


def of_pictures(
    prepare: Callable[[Image], Tensor], network: nn.Module, facts: Mapping[str, Any], made: MadePictures
) -> Learner:
    """Train a classifier on 8-bit pictures that are made of whole images, on the device."""
    # The crop comes after them: a crop before would give other gradients, and other extremes.
    read = Decoded(PlainView(prepare))
    return Learner(network, read, read, made, facts=dict(facts))


def univfd_probe(
    recipe: TrainingRecipe, encoder: FrozenEncoder, seed: int, facts: Mapping[str, Any]
) -> Learner:
    """Train a linear layer on a frozen encoder's features."""
    read = Decoded(TrainView(recipe)), Decoded(ValidationView(recipe))
    inputs = Features(encoder)
    return Learner(new_head(encoder.width, recipe, seed), *read, inputs, facts=dict(facts))


def univfd_end_to_end(
    recipe: TrainingRecipe, encoder: FrozenEncoder, seed: int, facts: Mapping[str, Any]
) -> Learner:
    """Train encoder and linear layer together."""
    read = Decoded(TrainView(recipe)), Decoded(ValidationView(recipe))
    # It was loaded frozen, as for scoring.
    network = WholeModel(encoder.network.requires_grad_(True), new_head(encoder.width, recipe, seed))
    return Learner(network, *read, Normalised(encoder.prepare.statistics), whole=True, facts=dict(facts))


def fake_over_real(output: Tensor, fake: int = 1) -> Tensor:
    """Turn the logits of two classes (n, 2, ...) into those of "generated" (n,), or of each patch (n, k).

    Their cross-entropy is the binary one of this difference, and so are its gradients.
    """
    difference = output[:, fake] - output[:, 1 - fake]
    return difference if difference.ndim == 1 else difference.flatten(1)


def as_they_are(batch: Tensor, randoms: Randoms | None) -> Tensor:
    """Return features that were computed before, unchanged."""
    return batch


@dataclass
class Normalised:
    """8-bit pictures (n, 3, H, W) → what the network sees."""

    statistics: Statistics

    def __call__(self, batch: Tensor, randoms: Randoms | None) -> Tensor:
        """Normalise."""
        return normalise(batch, self.statistics)


@dataclass
class MadePictures:
    """Prepared images (n, 3, H, W) → normalised crops of the 8-bit pictures that are made of them.

    Attributes:
        recipe: For the crop.
        make: Makes the pictures, uint8 (n, 3, H, W).
    """

    recipe: TrainingRecipe
    make: Callable[[Tensor], Tensor]

    def __call__(self, batch: Tensor, randoms: Randoms | None) -> Tensor:
        """Make the pictures, always in full precision, and cut them."""
        # Gradients of half precision, stretched to 8 bits,
        # would be other pictures than those that are scored.
        with torch.autocast(batch.device.type, enabled=False):
            pictures = self.make(batch)
        cut = centre(pictures, self.recipe) if randoms is None else crop_each(pictures, self.recipe, randoms)
        return normalise(cut, IMAGENET)


@dataclass
class Features:
    """8-bit pictures → features of a frozen encoder, under its own normalisation."""

    encoder: FrozenEncoder

    def __call__(self, batch: Tensor, randoms: Randoms | None) -> Tensor:
        """Encode."""
        return self.encoder.encode(normalise(batch, self.encoder.prepare.statistics)).float()
