"""``bench train lgrad``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from forenbench.cli.console import split
from forenbench.training import initial
from forenbench.training.lgrad import Gradients, cache_of, prepare
from forenbench.training.recipes import LGRAD
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t

_CACHE = "Where gradient pictures stay, as PNG; off: they are made anew in each epoch."


@t.takes_shared("official_quirks")
def lgrad(
    context: typer.Context,
    transformation: Annotated[str, typer.Option(help="Whose gradients.")] = "stylegan-bedroom",
    gradient_cache: Annotated[str, typer.Option(help=_CACHE, show_default="OUT/gradients")] = "",
    init: t.Init = "imagenet",
    name: t.Name = "",
) -> None:
    """Train LGrad's ResNet-50 on gradient pictures of a frozen network; the last epoch is the result."""
    options = t.Options.of(context)
    recipe = options.adapted(LGRAD)
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        gradients = Gradients.of(transformation, files)
        network, start = initial.classifier(recipe, init, options.seed, files)
        images = gather(request, run.processes, run.advance, validate=bool(options.val))
        cache = cache_of(gradient_cache, transformation, options.out)
        shown, learner = prepare(gradients, cache, images, (network, start.facts), run)
        path = train(request, learner, images, shown, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a classifier as the detector's variants are."""
    transformation: str = own["transformation"]
    classes = split(options.classes)
    ending = f"{len(classes)}class" if classes else Path(options.data).stem.removesuffix("-train")
    if options.limit:
        ending = f"{options.limit / 1000:g}k" if len(classes) == 1 else f"{ending}-{options.limit / 1000:g}k"
    # Only what is trained as the authors' may be called like their checkpoints (lgrad-4class).
    official = transformation == "stylegan-bedroom" and not options.limit and bool(classes)
    return f"lgrad-{ending}" if official else f"lgrad-{transformation}-{ending}"
