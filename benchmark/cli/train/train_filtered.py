"""``bench train highpass`` and ``bihpf``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from forenbench.training import filtered, initial
from forenbench.training.recipes import BIHPF, LGRAD, TrainingRecipe
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import trained_on

if TYPE_CHECKING:
    from torch import nn

    from forenbench.training.learners import Learner

    MakeLearner = Callable[[TrainingRecipe, nn.Module, Mapping[str, Any]], Learner]


@t.takes_shared("official_quirks")
def highpass(context: typer.Context, init: t.Init = "imagenet", name: t.Name = "") -> None:
    """Train LGrad's baseline of high frequencies: its ResNet-50 on pictures less their blur."""
    _train(context, LGRAD, filtered.highpass, name or name_of_highpass(t.Options.of(context), {}))


@t.takes_shared("official_quirks")
def bihpf(context: typer.Context, init: t.Init = "imagenet", name: t.Name = "") -> None:
    """Train BiHPF's ResNet-50 on spectra through two high-pass filters (reimplemented)."""
    _train(context, BIHPF, filtered.bihpf, name or name_of_bihpf(t.Options.of(context), {}))


def name_of_highpass(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier as the detector's variants are."""
    return f"highpass-reimplemented-{trained_on(options)}"


def name_of_bihpf(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier as the detector's variants are."""
    return f"bihpf-reimplemented-{trained_on(options)}"


def _train(context: typer.Context, recipe: TrainingRecipe, make: MakeLearner, name: str) -> None:
    """Train a ResNet-50 on what a learner shows it."""
    options = t.Options.of(context)
    recipe, request = options.adapted(recipe), options.request(name)
    with t.running(options, recipe) as (run, files):
        network, start = initial.classifier(recipe, context.params["init"], options.seed, files)
        learner = make(recipe, network, start.facts)
        images = gather(request, run.processes, run.advance, validate=bool(options.val))
        path = train(request, learner, images, lambda: images, run)
    t.tell(path, first=run.processes.first)
