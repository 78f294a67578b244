"""``bench calibrate``: thresholds and probabilities fitted on a validation run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import say, short
from .leaderboard import open_stores


def calibrate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders that use the fits.", show_default="all below results/runs"),
    ] = None,
    on: Annotated[
        list[Path] | None, typer.Option("--on", help="Run folders over validation images. [required]")
    ] = None,
    perturbation: Annotated[str, typer.Option(help="Which of the validation rows are used.")] = "none",
) -> None:
    """Fit a threshold, temperature, Platt's line and isotonic steps for every detector of the runs.

    They are kept in each run folder as fits.json; 'bench table thresholds' and 'bench table calibration' show
    what they change. Refused where one image is in both: what is fitted on tested images promises too much.
    """
    from forenbench import fits
    from forenbench.types import BenchError

    if not on:
        raise BenchError("--on is needed: the run folder over the validation images")
    tested = open_stores(runs or [])
    made = fits.fit(open_stores(on), tested, perturbation)
    for store in tested:
        own = {(one["cell"]["detector"], one["identity"]["kind"]) for one in store.records()}
        path = fits.write(store.root, {key: fit for key, fit in made.items() if key in own})
        say(f"wrote {short(path)}")
    for (detector, weights), fit in made.items():
        real, fake = fit.images
        images = f"{real} real and {fake} fake images"
        say(f"  {detector} ({weights}): threshold {fit.threshold:.4g}, from {images}")
