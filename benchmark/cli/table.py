"""``bench table``: any table, from stored rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import show, width
from .leaderboard import open_stores


def table(
    name: Annotated[str, typer.Argument(help="Table name; 'bench list tables' shows them.")],
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
    ] = None,
    style: Annotated[str, typer.Option("--format", help="text, csv, markdown or latex.")] = "text",
) -> None:
    """Make a table from the rows of one or more runs."""
    from forenbench.rendering import render
    from forenbench.tables import make

    show(render(make(name, open_stores(runs or [])), style, width()))
