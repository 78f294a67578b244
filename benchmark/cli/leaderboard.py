"""``bench leaderboard``: one row a detector, as CSV and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.results import open_stores
from forenbench.metrics.file_metrics import add_file
from forenbench.tables import measure
from forenbench.tables.leaderboard import lay_out, write

from . import options as o
from .console import say, short, show, width


def leaderboard(  # noqa: PLR0913 - a command's options are its arguments
    runs: o.Runs = None,
    out: Annotated[Path, typer.Option(help="Where leaderboard.csv and leaderboard.md go.")] = Path("results"),
    rank_by: Annotated[str, typer.Option(help="The mean that ranks: ap, auroc or bacc.")] = "ap",
    failed_as: o.FailedAs = "missing",
    tampered_as: o.TamperedAs = "apart",
    metrics: o.Metrics = None,
) -> None:
    """Rank the detectors of one or more runs."""
    for file in metrics or []:
        add_file(file)
    cells = measure(open_stores(runs or []), failed_as=failed_as, tampered_as=tampered_as)
    csv, markdown = write(cells, out, rank_by)
    # Markdown is for files: a terminal would break its long lines anywhere.
    on_terminal = width() is not None
    show(lay_out(cells, rank_by).to_text(width()) if on_terminal else markdown.read_text(encoding="utf-8"))
    say(f"wrote {short(csv)}, {short(markdown)}")
