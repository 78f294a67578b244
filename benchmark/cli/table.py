"""``bench table``: any table, from stored rows, from the papers, or both side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.results import open_stores
from forenbench.metrics.file_metrics import add_file
from forenbench.tables import find_table, make
from forenbench.tables.paper import PaperTable
from forenbench.tables.published import published_table
from forenbench.tables.rendering import render

from . import options as o
from .console import say, show, width

_AGAINST = "published: a paper's numbers beside the measured ones."
_ONLY = "published: a paper's numbers alone; needs no run."


@o.grouped
def table(
    name: Annotated[str, typer.Argument(help="Table name ('bench list tables' shows them), or a file.")],
    style: o.Style = "text",
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    only: Annotated[str, typer.Option(help=_ONLY)] = "",
    shown: o.Shown = o.SHOWN,
) -> None:
    """Make a table from the rows of one or more runs."""
    for file in shown.metrics or ():
        add_file(file)
    kind = find_table(name)  # says what is wrong with a name before any run is opened
    for option, value in (("--against", against), ("--only", only)):
        if value and value != "published":
            raise BenchError(f"{option} '{value}' is unknown; the only choice is 'published'")
        if value and not isinstance(kind, PaperTable):
            raise BenchError(f"{option} is for the papers' tables; 'bench list tables' shows which they are")
    if against and only:
        raise BenchError("--against compares with a run, --only shows no run: choose one")
    if isinstance(kind, PaperTable) and only:
        made = published_table(kind)
    else:
        made = make(kind, open_stores(shown.runs or []), *shown.cells, against_published=bool(against))
    show(render(made, style, width()))
    for note in made.notes if style == "csv" else ():  # a line that is no row would break readers of CSV
        say(note, "yellow")
