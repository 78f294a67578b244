"""``bench calibrate``: thresholds and probabilities fitted on a validation run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import forenbench
from forenbench.errors import BenchError
from forenbench.files.json_documents import document

from . import options as o
from .console import show

_DATASET = "Where the images of a run are, to find copies under other names; may be repeated."


def calibrate(  # noqa: PLR0913 - a command's options are its arguments
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
    style: o.ListStyle = "text",
) -> None:
    """Fit a threshold, temperature, Platt's line and isotonic steps for every detector of the runs.

    They are kept in each run folder as fits.json; 'bench table thresholds' and 'bench table calibration' show
    what they change. Refused where one image, or origin, is in both: what is fitted on tested images promises
    too much. 'bench data split' makes splits that share none.
    """
    if not on:
        raise BenchError("--on is needed: the run folder over the validation images")
    tested = forenbench.calibrate(
        on, runs or [], perturbation=perturbation, dataset=dataset or [], data_root=data_root
    )
    if style == "json":
        show(document("fits", fits=tested.fits()))
