"""``bench table``: any table, from stored rows, from the papers, or both side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.results import open_stores
from forenbench.metrics.file_metrics import add_file
from forenbench.registry.plugin_files import split_request
from forenbench.tables import find_table, make
from forenbench.tables.paper import PaperTable
from forenbench.tables.published import published_table
from forenbench.tables.rendering import render

from . import options as o
from .console import say, show, split, width
from .looks import LOOKS, Looks

_AGAINST = "published: a paper's numbers beside the measured ones."
_ONLY = "published: a paper's numbers alone; needs no run."
Metric = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME,…|FILE",
        help="Metrics in place of the table's own ('bench list metrics'); a Python file adds one.",
    ),
]


@o.grouped
def table(  # noqa: PLR0913 - a command's options are its arguments
    name: Annotated[str, typer.Argument(help="Table name ('bench list tables' shows them), or a file.")],
    style: o.Style = "text",
    against: Annotated[str, typer.Option(help=_AGAINST)] = "",
    only: Annotated[str, typer.Option(help=_ONLY)] = "",
    metric: Metric = None,
    looks: Looks = LOOKS,
    shown: o.Shown = o.SHOWN,
) -> None:
    """Make a table from the rows of one or more runs."""
    requests = [one for text in metric or () for one in split(text)]
    files = [one for one in requests if split_request(one)[0]]
    metrics = [add_file(one).name if one in files else one for one in requests]
    # Files alone choose nothing: their metrics stand where their headings say, beside the others.
    metrics = metrics if len(metrics) > len(files) else []
    kind = find_table(name)  # says what is wrong with a name before any run is opened
    for option, value in (("--against", against), ("--only", only)):
        if value and value != "published":
            raise BenchError(f"{option} '{value}' is unknown; the only choice is 'published'")
        if value and not isinstance(kind, PaperTable):
            raise BenchError(f"{option} is for the papers' tables; 'bench list tables' shows which they are")
    if against and only:
        raise BenchError("--against compares with a run, --only shows no run: choose one")
    if isinstance(kind, PaperTable) and only:
        if metrics:
            raise BenchError("--metric is for measured numbers; --only published shows the paper's own")
        made = published_table(kind)
    else:
        stores = open_stores(shown.runs or [])
        made = make(kind, stores, *shown.cells, against_published=bool(against), metrics=metrics)
    made = looks.of(made)
    show(render(made, style, width(), looks.setting))
    if style in ("csv", "tidy"):  # a line that is no row would break their readers
        for note in made.notes:
            say(note, "yellow")
