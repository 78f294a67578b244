"""``bench report``: everything about one or more runs on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.results import load_results
from forenbench.metrics.file_metrics import add_file

from . import options as o
from .console import say, short

_DATASET = "Where images are, for thumbnails: a dataset's name or path; may be repeated."
_AUDIT = "Audit the images' files, too: 'bench audit' tells what that is."
_EXPLAIN = "Load the detectors, and draw what they see in these images: gradient pictures or CAMs."


@o.grouped
def report(  # noqa: PLR0913 - a command's options are its arguments
    out: Annotated[
        Path | None,
        typer.Option(
            help="The HTML file.", show_default="report.html in the run folder; of several, in results"
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help=_DATASET, show_default="where the runs found them")
    ] = None,
    data_root: o.DataRoot = Path("data"),
    worst: Annotated[
        int, typer.Option(min=0, help="Images shown of each detector and label: those it got most wrong.")
    ] = 4,
    audit: Annotated[bool, typer.Option("--audit", help=_AUDIT)] = False,
    explain: Annotated[bool, typer.Option("--explain", help=_EXPLAIN)] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="For --explain: a checkpoint file, as NAME=PATH; may be repeated."),
    ] = None,
    shown: o.Shown = o.SHOWN,
    metrics: o.Metrics = None,
) -> None:
    """Write one HTML page about one or more runs, which needs no other file and no network.

    It holds the leaderboard and every table, curves, the images each detector got most wrong, and what made
    the numbers.
    """
    for file in metrics or ():
        add_file(file)
    # The page is one file, which people mail: its size is said.
    target = load_results(shown.runs or []).report(
        out,
        dataset=dataset or [],
        data_root=data_root,
        worst=worst,
        audit=audit,
        explain=explain,
        weights=weights or [],
        protocol=shown.protocol,
        failed_as=shown.failed_as,
        tampered_as=shown.tampered_as,
    )
    say(f"wrote {short(target)} ({target.stat().st_size / 1e6:.1f} MB)", "green")
