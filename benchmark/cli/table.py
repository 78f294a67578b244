"""``bench table``: any table, from stored rows, from the papers, or both side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.results import load_results, published
from forenbench.metrics.file_metrics import add_file
from forenbench.tables import REGISTRY
from forenbench.tables.papers import paper_tables
from forenbench.tables.rendering import render
from forenbench.tables.table_kinds import find_kind

from . import options as o
from .console import say, show, width

_AGAINST = "published: a paper's numbers beside the measured ones."
_ONLY = "published: a paper's numbers alone; needs no run."


def table(  # noqa: PLR0913 - a command's options are its arguments
    name: Annotated[str, typer.Argument(help="Table name ('bench list tables' shows them), or a file.")],
    runs: o.Runs = None,
    style: o.Style = "text",
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    only: Annotated[str, typer.Option(help=_ONLY)] = "",
    protocol: o.CellsOf = "",
    failed_as: o.FailedAs = "missing",
    metrics: o.Metrics = None,
) -> None:
    """Make a table from the rows of one or more runs."""
    for file in metrics or []:
        add_file(file)
    papers = paper_tables()
    if name not in papers:  # says what is wrong with a name before any run is opened
        find_kind(name, REGISTRY, papers)
    _check_options(name in papers, against, only)
    if only:
        made = published(name)
    else:
        results = load_results(runs or [])
        made = results.table(name, protocol=protocol, failed_as=failed_as, against_published=bool(against))
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
