"""``bench train cnndetection``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.cli.console import split
from forenbench.errors import BenchError
from forenbench.training import initial, learners
from forenbench.training.recipes import CNNDETECTION, Augmentation
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import HORSES

AUGMENTED = {
    "blur_jpg:0.5": "0.5",
    "blur_jpg:0.1": "0.1",
    "none": "no_aug",
    "blur:0.5": "blur_only",
    "jpeg:0.5": "jpeg_only",
}
"""The augmentations of CNNDetection's paper."""

_CONTINUE = "Go on with the optimiser's state and the steps of --init's file, too."


@t.takes_shared()
def cnndetection(
    context: typer.Context,
    aug: t.Aug = "blur_jpg:0.5",
    init: t.Init = "imagenet",
    continuing: Annotated[bool, typer.Option("--continue", help=_CONTINUE)] = False,
    name: t.Name = "",
) -> None:
    """Train CNNDetection's ResNet-50: blur and JPEG augmentation, early stopping on validation accuracy."""
    if continuing and init in initial.INITIALISATIONS:  # neither has an optimiser's state
        raise BenchError(
            f"--continue goes on from a checkpoint file, and --init is {init}: name the file there"
        )
    options = t.Options.of(context)
    recipe = options.adapted(CNNDETECTION, augmentation=Augmentation.parse(aug))
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        network, start = initial.classifier(recipe, init, options.seed, files)
        learner = learners.cnndetection(recipe, network, start.facts)
        if continuing:
            learner.begun = start.begun()
            learner.facts["initialisation"] = "file, optimiser and steps included"
        images = gather(request, run.processes, run.advance)
        # Not called where the training is finished already: LGrad's, below, makes all gradient pictures.
        path = train(request, learner, images, lambda: images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    aug: str = own["aug"]
    classes = ",".join(sorted(split(options.classes)))
    if not classes:
        return f"cnndetection-{AUGMENTED.get(aug, aug.replace(':', '_'))}"
    number = len(split(classes))
    name = f"cnndetection-lgrad-{HORSES[classes]}" if classes in HORSES else f"cnndetection-{number}class"
    # The command's default goes without a word.
    return name if aug == "blur_jpg:0.5" else f"{name}-{AUGMENTED.get(aug, aug.replace(':', '_'))}"
