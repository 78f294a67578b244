"""``bench compare``: differences between detectors, with intervals and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import show, split, width
from .leaderboard import FAILED_AS, open_stores


def compare(
    runs: Annotated[list[Path], typer.Argument(help="One run folder, or two.")],
    detectors: Annotated[
        str, typer.Option(help="Only these, separated by commas; in one run, the first with each other one.")
    ] = "",
    style: Annotated[str, typer.Option("--format", help="text, csv, markdown or latex.")] = "text",
    failed_as: Annotated[str, typer.Option(help=FAILED_AS)] = "missing",
) -> None:
    """Compare detectors image by image: does one really beat the other?

    With one run, each pair of its detectors; with two, the detectors they have in common. Differences have
    95 % intervals from resamples that both share, and p-values corrected for their number.
    """
    from forenbench.errors import BenchError
    from forenbench.tables.pairs import compare as compare_runs
    from forenbench.tables.rendering import render

    if len(runs) > 2:
        raise BenchError(f"one run folder or two, not {len(runs)}")
    show(render(compare_runs(open_stores(runs), split(detectors), failed_as), style, width()))
