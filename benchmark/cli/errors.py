"""``bench show errors``: why images have no score."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.files.json_documents import document
from forenbench.front.results import load_results
from forenbench.printable import for_csv

from . import options as o
from .console import say, show, show_table


def errors(
    runs: o.Runs = None,
    every: Annotated[bool, typer.Option("--all", help="Every image with its path, uncounted.")] = False,
    style: o.RowStyle = "text",
) -> None:
    """Count the reasons why images have no score, each with one path."""
    rows = load_results(runs or ()).errors(every=every)
    if style == "csv":
        safe = rows.map(lambda value: for_csv(value) if isinstance(value, str) else value)
        show(safe.to_csv(index=False))
    elif style == "json":
        show(document("errors", errors=rows))
    elif len(rows):
        show_table([str(name) for name in rows], rows.itertuples(index=False), right=("images",))
    if not len(rows):
        say("Every image has a score.", "green")
