"""``bench train frank`` and ``fredect``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from forenbench.training import standardised
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import trained_on

_INPUT = "dct, pixels (as they are), or lsun (dct of the part that the authors took of LSUN's pictures)."
_PUBLISHED = "Take AIGCDetectBenchmark's statistics, not those of the training images."


@t.takes_shared("official_quirks")
def frank(
    context: typer.Context,
    classifier: Annotated[str, typer.Option(help="ridge, cnn or resnet.")] = "ridge",
    seen: Annotated[str, typer.Option("--input", help=_INPUT)] = "dct",
    name: t.Name = "",
) -> None:
    """Train a classifier of Frank et al.'s on the cosine transform; early stopping on validation loss."""
    options = t.Options.of(context)
    recipe = options.adapted(standardised.frank_recipe(classifier, seen))
    request = options.request(name or name_of_frank(options, context.params))
    with t.running(options, recipe) as (run, _):
        what = standardised.frank(classifier, seen, options.seed)
        images = gather(request, run.processes, run.advance)
        path = train(request, what.learner(), images, partial(what.shown, request, images, run), run)
    t.tell(path, first=run.processes.first)


@t.takes_shared()
def fredect(
    context: typer.Context,
    published: Annotated[bool, typer.Option("--published-statistics", help=_PUBLISHED)] = False,
    name: t.Name = "",
) -> None:
    """Train FreDect's ResNet-50 on the cosine transform; early stopping on validation accuracy."""
    options = t.Options.of(context)
    recipe = options.adapted(standardised.FREDECT)
    request = options.request(name or name_of_fredect(options, context.params))
    with t.running(options, recipe) as (run, files):
        what = standardised.fredect(options.seed, files, published=published)
        images = gather(request, run.processes, run.advance)
        path = train(request, what.learner(), images, partial(what.shown, request, images, run), run)
    t.tell(path, first=run.processes.first)


def name_of_frank(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier as the detector's variants are."""
    seen = [own["seen"]] if own["seen"] != "dct" else []
    return "-".join(["frank", own["classifier"], *seen, trained_on(options)])


def name_of_fredect(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier with its statistics as the detector's variants are."""
    return f"fredect-own-{trained_on(options)}"
