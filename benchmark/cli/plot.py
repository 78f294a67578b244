"""``bench plot``: figures for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.front.results import load_results

from . import options as o
from .console import say, short, split, split_pairs

_KIND = "roc, pr (precision and recall), robustness (by level of perturbation) or heat (AUROC by test set)."


@o.grouped
def plot(  # noqa: PLR0913 - a command's options are its arguments
    kind: Annotated[str, typer.Argument(help=_KIND)],
    out: Annotated[
        Path | None, typer.Option(help="The file: .pdf, .svg or .png.", show_default="KIND.pdf")
    ] = None,
    testset: Annotated[str, typer.Option(help="Only this one; by default curves are means over all.")] = "",
    perturbation: Annotated[
        str, typer.Option(help="What curves and heat are of.", show_default="none where it was run")
    ] = "",
    detectors: Annotated[str, typer.Option(help="Only these, comma-separated, in this order.")] = "",
    metric: Annotated[
        str, typer.Option(metavar="NAME,…", help="Of robustness, a panel each.", show_default="ap")
    ] = "",
    rename: Annotated[
        str, typer.Option(metavar="OLD=NEW,…", help="What detectors and test sets are called.")
    ] = "",
    wide: Annotated[bool, typer.Option("--wide", help="As wide as both columns of a page, not one.")] = False,
    shown: o.Shown = o.SHOWN,
) -> None:
    """Draw a figure of one or more runs for a paper: ROC, precision and recall, robustness, heat.

    It is a column wide, its fonts are embedded, and lines differ in dashes, too. Marks are those of the
    tables; what they mean is printed, and kept in the file's description.
    """
    file = load_results(shown.runs or []).plot(
        kind,
        out or Path(f"{kind}.pdf"),
        testset=testset,
        perturbation=perturbation,
        detectors=split(detectors),
        metrics=split(metric),
        rename=split_pairs("--rename", rename),
        wide=wide,
        protocol=shown.protocol,
        failed_as=shown.failed_as,
        tampered_as=shown.tampered_as,
    )
    say(f"wrote {short(file)}", "green")
