"""``bench report``: everything about one or more runs on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.types import BenchError

from .console import say, short
from .leaderboard import open_stores

_DATASET = "Where images are, for thumbnails: a dataset's name or path; may be repeated."
_PROTOCOL = "Cells run under this protocol; by default 'all', or the only one there is."


def report(  # noqa: PLR0913 - a command's options are its arguments
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The HTML file.", show_default="report.html in the run folder; of several, in results"
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help=_DATASET, show_default="as the runs named them")
    ] = None,
    data_root: Annotated[Path, typer.Option(help="Where downloaded datasets lie.")] = Path("data"),
    worst: Annotated[
        int, typer.Option(min=0, help="Images shown of each detector and label: those it got most wrong.")
    ] = 4,
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "",
) -> None:
    """Write one HTML page about one or more runs, which needs no other file and no network.

    It holds the leaderboard and every table, curves, the images each detector got most wrong, and what made
    the numbers.
    """
    from forenbench.report.contents import Wishes
    from forenbench.report.page import write
    from forenbench.report.pictures import open_pictures

    from .progress import RunProgress

    stores = open_stores(runs or [])
    target = out or (stores[0].root if len(stores) == 1 else Path("results")) / "report.html"
    with RunProgress() as progress:
        records = [record for store in stores for record in store.records()] if worst else []
        pictures = open_pictures(records, dataset or [], data_root, progress.files)
    try:
        write(stores, target, Wishes(pictures, worst, protocol or None))
    except OSError as error:
        raise BenchError(f"cannot write '{target}': {error.strerror}") from error
    for lack in dict.fromkeys(pictures.lacks.values()):
        say(f"no thumbnails: {lack}", "yellow")
    say(f"wrote {short(target)} ({target.stat().st_size / 1e6:.1f} MB)", "green")
