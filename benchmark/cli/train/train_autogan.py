"""``bench train autogan``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from forenbench.cli.console import split
from forenbench.detectors._nets.autogan_features import FEATURES
from forenbench.detectors._nets.autogan_generators import UPSAMPLERS
from forenbench.errors import BenchError, unknown
from forenbench.files.checksums import sha256_of
from forenbench.training.autogan import AUTOGAN
from forenbench.training.autogan import autogan as learner_of
from forenbench.training.request import gather
from forenbench.training.simulator import beside_simulated, shortened, simulators
from forenbench.training.supervised import train

from . import shared_options as t
from .checkpoint_names import trained_on

_FEATURE = "fft; low, mid, high: a band of it; image; comatrix."
_SIMULATE = "transposed, nearest or both: fakes are made by such auto-encoders of the real images."
_EPOCHS = "Of an auto-encoder; half of them at falling rates."


@t.takes_shared("official_quirks")
def autogan(  # noqa: PLR0913 - a command's options are its arguments
    context: typer.Context,
    feature: Annotated[str, typer.Option(help=_FEATURE)] = "fft",
    simulate: Annotated[str, typer.Option(help=_SIMULATE)] = "",
    simulator_epochs: Annotated[int, typer.Option(min=1, help=_EPOCHS)] = 100,
    init: t.Init = "imagenet",
    name: t.Name = "",
) -> None:
    """Train AutoGAN's ResNet-34 on spectra of generated or simulated images; the last epoch counts."""
    if feature not in FEATURES:
        raise BenchError(unknown("feature", feature, FEATURES))
    upsamplers = sorted(set(split(simulate)))
    for one in upsamplers:
        if one not in UPSAMPLERS:
            raise BenchError(unknown("upsampler", one, UPSAMPLERS))
    options = t.Options.of(context)
    recipe = options.adapted(AUTOGAN)
    request = options.request(name or name_of(options, context.params))
    with t.running(options, recipe) as (run, files):
        learner = learner_of(recipe, feature, init, options.seed, files)
        validate, simulated = bool(options.val), bool(upsamplers)
        images = gather(request, run.processes, run.advance, validate=validate, reals_only=simulated)
        makers: dict[str, Path] = {}
        if upsamplers:
            first = replace(run, recipe=shortened(simulator_epochs), keep="last")
            makers = simulators(options.request(_reals(options)), upsamplers, images.train, first)
            learner.facts["simulators"] = {one: sha256_of(file) for one, file in makers.items()}
        pictures = options.out / "simulated"
        shown = partial(beside_simulated, images, makers, pictures, run)
        path = train(request, learner, images, shown, run)
    t.tell(path, first=run.processes.first)


def name_of(options: t.Options, own: Mapping[str, Any]) -> str:
    """Name a checkpoint as the detector's variants are."""
    upsamplers = sorted(set(split(own["simulate"])))
    ending = "-".join([*upsamplers, _reals(options)]) if upsamplers else trained_on(options)
    return f"autogan-{own['feature']}-{ending}"


def _reals(options: t.Options) -> str:
    """Say in a word which real images there are: a generator's name would be wrong without its fakes."""
    if options.classes:
        return trained_on(options)
    return Path(options.data).stem.removesuffix("-train")
