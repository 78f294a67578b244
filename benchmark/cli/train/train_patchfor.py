"""``bench train patchfor``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.detectors._nets.patch_networks import PATCH_NETWORKS
from forenbench.training.patchfor import patch_learner, patch_recipe
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import trained_on

_NETWORK = f"Which, and its last layer: {', '.join(PATCH_NETWORKS)}."
_INIT = "random, or a file of this network to start from."


@t.takes_shared("official_quirks")
def patchfor(
    context: typer.Context,
    network: Annotated[str, typer.Option(help=_NETWORK)] = "xception-block2",
    init: Annotated[str, typer.Option(help=_INIT)] = "random",
    name: t.Name = "",
) -> None:
    """Train a classifier of patches: cross-entropy of each, until validation has long seen no gain."""
    options = t.Options.of(context)
    recipe = options.adapted(patch_recipe(network))
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        learner = patch_learner(recipe, network, init, options.seed, files)
        images = gather(request, run.processes, run.advance)
        path = train(request, learner, images, lambda: images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    return f"patchfor-{own['network']}-{trained_on(options)}"
