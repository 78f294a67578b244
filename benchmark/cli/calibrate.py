"""``bench calibrate``: thresholds and probabilities fitted on a validation run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.finding import find_files
from forenbench.errors import BenchError
from forenbench.front.bars import RunProgress
from forenbench.front.results import open_stores
from forenbench.records import fits
from forenbench.records.dataset_paths import find_datasets
from forenbench.records.leakage import Contents
from forenbench.records.store import Store
from forenbench.types import FileSource

from . import options as o
from .console import say, short

_DATASET = "Where the images of a run are, to find copies under other names; may be repeated."


def calibrate(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders that use the fits.", show_default="all others below results/runs"),
    ] = None,
    on: Annotated[
        list[Path] | None, typer.Option("--on", help="Run folders over validation images. [required]")
    ] = None,
    perturbation: Annotated[str, typer.Option(help="Which of the validation rows are used.")] = "none",
    dataset: Annotated[
        list[str] | None, typer.Option(help=_DATASET, show_default="where the runs found them")
    ] = None,
    data_root: o.DataRoot = Path("data"),
) -> None:
    """Fit a threshold, temperature, Platt's line and isotonic steps for every detector of the runs.

    They are kept in each run folder as fits.json; 'bench table thresholds' and 'bench table calibration' show
    what they change. Refused where one image is in both: what is fitted on tested images promises too much.
    """
    if not on:
        raise BenchError("--on is needed: the run folder over the validation images")
    validation = open_stores(on)
    used = {store.root.resolve() for store in validation}
    tested = [store for store in open_stores(runs or []) if runs or store.root.resolve() not in used]
    contents = _open_contents([*validation, *tested], dataset or [], data_root)
    made = fits.fit(validation, tested, perturbation, contents)
    for store in tested:
        own = {record.detector for record in store.records()}
        if own & made.keys():
            path = fits.write(store.root, {key: fit for key, fit in made.items() if key in own})
            say(f"wrote {short(path)}")
        for detector, weights in sorted(own - made.keys()):
            say(f"  not fitted, not run on the validation images: {detector} ({weights})", "yellow")
    for (detector, weights), fit in made.items():
        real, fake = fit.images
        images = f"{real} real and {fake} fake images"
        say(f"  {detector} ({weights}): threshold {fit.threshold:.4g}, from {images}")
    if contents.unknown:
        some = ", ".join(dict.fromkeys(contents.unknown))
        say(f"  compared by name only, their files are not at hand or have changed: {some}", "yellow")


def _open_contents(stores: list[Store], requests: list[str], data_root: Path) -> Contents:
    """Open the datasets of each run again, as far as they are at hand."""
    sources: dict[Path, dict[str, FileSource]] = {store.root: {} for store in stores}
    with RunProgress() as progress:
        for store in stores:
            for name, found in find_datasets(store.records(), requests, data_root).items():
                with suppress(BenchError):  # it is not on this machine, or holds no image any more
                    sources[store.root][name], _ = find_files(*found, progress.files)
    return Contents(sources)
