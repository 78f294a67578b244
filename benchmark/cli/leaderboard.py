"""``bench leaderboard``: one row a detector, as CSV and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.files.json_documents import document
from forenbench.front.results import open_stores
from forenbench.metrics.file_metrics import add_file
from forenbench.printable import check_style
from forenbench.tables import measure
from forenbench.tables.leaderboard import lay_out, remarks, standings, write
from forenbench.tables.marks import WORDS
from forenbench.tables.rendering import render

from . import options as o
from .console import say, short, show, width

Style = Annotated[
    str,
    typer.Option(
        "--format",
        help="What is printed: text, markdown, csv, tidy, latex or json.",
        show_default="text on a terminal, else markdown",
    ),
]


def leaderboard(  # noqa: PLR0913 - a command's options are its arguments
    runs: o.Runs = None,
    out: Annotated[Path, typer.Option(help="Where leaderboard.csv and leaderboard.md go.")] = Path("results"),
    rank_by: Annotated[str, typer.Option(help="The mean that ranks: ap, auroc or bacc.")] = "ap",
    failed_as: o.FailedAs = "missing",
    tampered_as: o.TamperedAs = "apart",
    metrics: o.Metrics = None,
    style: Style = "",
) -> None:
    """Rank the detectors of one or more runs."""
    # Markdown is for files: a terminal would break its long lines anywhere.
    style = style or ("markdown" if width() is None else "text")
    check_style(style)
    for file in metrics or []:
        add_file(file)
    cells = measure(open_stores(runs or []), failed_as=failed_as, tampered_as=tampered_as)
    csv, markdown = write(cells, out, rank_by)
    if style == "markdown":
        show(markdown.read_text(encoding="utf-8"))
    elif style == "csv":
        show(csv.read_text(encoding="utf-8"))
    elif style == "json":
        board = standings(cells, rank_by)
        board["marks"] = [[WORDS[sign] for sign in signs] for signs in board["marks"]]
        show(document("leaderboard", detectors=board, notes=list(remarks(cells, board))))
    else:
        show(render(lay_out(cells, rank_by), style, width()))
    say(f"wrote {short(csv)}, {short(markdown)}")
