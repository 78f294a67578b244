"""``bench compare``: differences between detectors, with intervals and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.results import load_results
from forenbench.tables.rendering import render

from . import options as o
from .console import show, split, width
from .looks import LOOKS, Looks


@o.grouped
def compare(  # noqa: PLR0913 - a command's options are its arguments
    runs: Annotated[list[Path], typer.Argument(help="One run folder, or two.")],
    detectors: Annotated[
        str, typer.Option(help="Only these, separated by commas; in one run, the first with each other one.")
    ] = "",
    style: o.Style = "text",
    metric: Annotated[
        str,
        typer.Option(metavar="NAME,…", help="Metrics: acc, ap, auroc, bacc.", show_default="ap,auroc,acc"),
    ] = "",
    looks: Looks = LOOKS,
    failed_as: o.FailedAs = "missing",
    tampered_as: o.TamperedAs = "apart",
) -> None:
    """Compare detectors image by image: does one really beat the other?

    With one run, each pair of its detectors; with two, the detectors they have in common. Differences have
    95 % intervals from resamples that both share, and p-values corrected for their number.
    """
    counted = {"failed_as": failed_as, "tampered_as": tampered_as}
    made = looks.of(load_results(runs).compare(*split(detectors), metrics=split(metric), **counted))
    show(render(made, style, width(), looks.setting))
