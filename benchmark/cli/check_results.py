"""``bench check results``: what is looked at before results join others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.importing import ImportOptions
from forenbench.front.reviewing import review_results

from . import options as o
from .console import failing, say, split_pairs


def results(  # noqa: PLR0913 - a command's options are its arguments
    results: Annotated[Path, typer.Argument(help="A run folder, or a file of scores with labels.")],
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            help="Run folders in which nothing of it should be under another name; may be repeated.",
            show_default="those beside it, and below results/runs",
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Where the images are; of a file of scores, the dataset that they are of."),
    ] = None,
    columns: o.Columns = "",
    labels: o.Labels = "",
    threshold: Annotated[
        float | None, typer.Option(help="Of a file of scores: above it an image counts as generated.")
    ] = None,
    data_root: o.DataRoot = Path("data"),
) -> None:
    """Check results before they join others: digests, images, tables, weights, copies.

    Rows are compared with their records, images with descriptions, other runs and the files that are here;
    every table is made again from the rows.
    """
    words: ImportOptions = {"columns": split_pairs("--columns", columns), "data_root": data_root}
    words |= {"labels": split_pairs("--labels", labels), "threshold": threshold}
    is_broken = False
    for one in review_results(results, beside=beside or (), dataset=dataset or (), **words):
        is_broken |= failing(one.check, one.problem)
        if one.said:
            say(f"      {one.said}", "yellow")
    if is_broken:
        say("These results are not to be joined with others; docs/submitting.md explains each check.", "red")
        raise typer.Exit(1)
