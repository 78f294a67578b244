"""``bench train cooccurrence``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from forenbench.detectors._nets.pixel_pairs import READINGS
from forenbench.errors import BenchError, unknown
from forenbench.training.cooccurrence import COOCCURRENCE
from forenbench.training.cooccurrence import cooccurrence as learner_of
from forenbench.training.request import gather
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import trained_on

_READING = "paper: neighbours, counted; grip: pixels five apart, as shares."


@t.takes_shared("official_quirks")
def cooccurrence(
    context: typer.Context,
    reading: Annotated[str, typer.Option(help=_READING)] = "paper",
    name: t.Name = "",
) -> None:
    """Train a small network on co-occurrence matrices of whole pictures; the last epoch is the result."""
    if reading not in READINGS:
        raise BenchError(unknown("reading", reading, READINGS))
    options = t.Options.of(context)
    recipe = options.adapted(COOCCURRENCE[reading])
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, _):
        images = gather(request, run.processes, run.advance, validate=bool(options.val))
        path = train(request, learner_of(reading, options.seed), images, lambda: images, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    return f"cooccurrence-{own['reading']}-{trained_on(options)}"
