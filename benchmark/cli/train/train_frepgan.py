"""``bench train frepgan``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import typer

from forenbench.detectors._nets.cyclegan import Discriminator
from forenbench.detectors._nets.frequency_maps import PerturbationMap, PerturbedClassifier
from forenbench.training import initial
from forenbench.training.frepgan import FREPGAN, FrePGANTraining
from forenbench.training.request import gather
from forenbench.training.rivals import train_rivals
from forenbench.training.schedules import LinearDecay

from . import shared_options as t
from .checkpoint_names import trained_on


# Rivals are neither validated nor trained in mixed precision: a Fourier transform needs its digits.
@t.takes_shared("val", "precision", "official_quirks")
def frepgan(context: typer.Context, init: t.Init = "imagenet", name: t.Name = "") -> None:
    """Train FrePGAN, reimplemented: maps that hide artefacts, their discriminator, and a ResNet-50."""
    options = t.Options.of(context)
    recipe = options.adapted(FREPGAN)
    recipe = replace(recipe, schedule=LinearDecay.over(recipe.epochs))
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        classifier, start = initial.classifier(recipe, init, options.seed, files)
        judge = PerturbedClassifier(PerturbationMap(), classifier)
        rivals = FrePGANTraining(recipe, judge, Discriminator(), options.seed, start.facts)
        images = gather(request, run.processes, run.advance, validate=False)
        path = train_rivals(request, rivals, images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    return f"frepgan-reimplemented-{trained_on(options)}"
