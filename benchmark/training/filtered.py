"""Classifiers of filtered pictures and spectra: LGrad's high-frequency baseline, and BiHPF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from forenbench.detectors._nets import bilateral_filters, high_frequencies

from .learners import Learner, MadePictures, Randoms, of_pictures
from .recipes import TrainingRecipe
from .views import Decoded, TrainView, ValidationView

if TYPE_CHECKING:
    from torch import Tensor, nn


def highpass(recipe: TrainingRecipe, network: nn.Module, facts: Mapping[str, Any]) -> Learner:
    """Train a classifier on pictures of high frequencies, in all else as LGrad's on gradients."""
    made = MadePictures(recipe, high_frequencies.high_frequency_pictures)
    facts = {**facts, "filter": high_frequencies.FILTER}
    return of_pictures(high_frequencies.WHOLE, network, facts, made)


def bihpf(recipe: TrainingRecipe, network: nn.Module, facts: Mapping[str, Any]) -> Learner:
    """Train a classifier on filtered spectra of pictures that were cut and mirrored before."""
    read = Decoded(TrainView(recipe)), Decoded(ValidationView(recipe))
    facts = {**facts, "filters": bilateral_filters.FILTERS, "recipe": "LGrad's, on whole pictures (ours)"}
    return Learner(network, *read, spectra_seen, facts=facts)


def spectra_seen(batch: Tensor, randoms: Randoms | None) -> Tensor:
    """Turn 8-bit pictures (n, 3, H, W) into what BiHPF's classifier sees, of the same shape."""
    return bilateral_filters.classifier_input(bilateral_filters.filtered_spectra(batch.float()))
