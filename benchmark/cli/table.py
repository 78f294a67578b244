"""``bench table``: any table, from stored rows, from the papers, or both side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError

from .console import say, show, width
from .leaderboard import FAILED_AS, open_stores

_AGAINST = "published: a paper's numbers beside the measured ones."
_ONLY = "published: a paper's numbers alone; needs no run."
_PROTOCOL = "Cells run under this protocol; by default 'all', or the only one there is."


def table(  # noqa: PLR0913 - a command's options are its arguments
    name: Annotated[str, typer.Argument(help="Table name ('bench list tables' shows them), or a file.")],
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
    ] = None,
    style: Annotated[str, typer.Option("--format", help="text, csv, markdown or latex.")] = "text",
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    only: Annotated[str, typer.Option(help=_ONLY)] = "",
    protocol: Annotated[str, typer.Option(help=_PROTOCOL)] = "",
    failed_as: Annotated[str, typer.Option(help=FAILED_AS)] = "missing",
) -> None:
    """Make a table from the rows of one or more runs."""
    from forenbench import tables
    from forenbench.tables.papers import lay_out, paper_tables
    from forenbench.tables.published import against_published, published_table
    from forenbench.tables.rendering import render
    from forenbench.tables.table_kinds import find_kind

    papers = paper_tables()
    if name not in papers:  # says what is wrong with a name before any run is opened
        find_kind(name, tables.REGISTRY, papers)
    _check_options(name in papers, against, only)
    if only:
        made = published_table(papers[name])
    elif name in papers:
        cells = tables.measure(open_stores(runs or []), by_class=papers[name].by_class, failed_as=failed_as)
        made = lay_out(papers[name], cells, protocol or None)
        made = against_published(papers[name], made) if against else made
    else:
        made = tables.make(name, open_stores(runs or []), protocol or None, failed_as)
    show(render(made, style, width()))
    if style == "csv":  # has no room for them
        for note in made.notes:
            say(note)


def _check_options(paper: bool, against: str, only: str) -> None:
    """Refuse what makes no sense."""
    for option, value in (("--against", against), ("--only", only)):
        if value and value != "published":
            raise BenchError(f"{option} '{value}' is unknown; the only choice is 'published'")
        if value and not paper:
            raise BenchError(f"{option} is for the papers' tables; 'bench list tables' shows which they are")
    if against and only:
        raise BenchError("--against compares with a run, --only shows no run: choose one")
