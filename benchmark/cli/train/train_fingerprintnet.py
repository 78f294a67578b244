"""``bench train fingerprintnet``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import typer

from forenbench.training import initial
from forenbench.training.fingerprintnet import FINGERPRINTNET, FingerprintTraining
from forenbench.training.request import gather
from forenbench.training.rivals import train_rivals
from forenbench.training.schedules import LinearDecay

from . import shared_options as t
from .checkpoint_names import trained_on


@t.takes_shared("val", "precision", "official_quirks")
def fingerprintnet(context: typer.Context, init: t.Init = "imagenet", name: t.Name = "") -> None:
    """Train FingerprintNet, reimplemented, on real images alone: a ResNet-50 on spectra."""
    options = t.Options.of(context)
    recipe = options.adapted(FINGERPRINTNET)
    recipe = replace(recipe, schedule=LinearDecay.over(recipe.epochs))
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        classifier, start = initial.classifier(recipe, init, options.seed, files)
        rivals = FingerprintTraining(recipe, classifier, options.seed, start.facts)
        images = gather(request, run.processes, run.advance, validate=False, reals_only=True)
        path = train_rivals(request, rivals, images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    return f"fingerprintnet-reimplemented-{trained_on(options)}"
