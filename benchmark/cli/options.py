"""Options that several commands share, each declared once, and what is read off them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from forenbench.data.descriptions import check_places
from forenbench.errors import BenchError

Runs = Annotated[
    list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
]
RunFolder = Annotated[Path | None, typer.Option(help="Run folder.", show_default="results/runs/<dataset>")]
Style = Annotated[str, typer.Option("--format", help="text, csv, markdown or latex.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="FILE", help="A Python file that adds a metric to tables; may be repeated."
    ),
]
FailedAs = Annotated[
    str,
    typer.Option(
        help="What images without a score count as: missing (in no metric), or wrong (errors in each)."
    ),
]
CellsOf = Annotated[
    str, typer.Option(help="Cells run under this protocol; by default 'all', or the only one there is.")
]
DataRoot = Annotated[Path, typer.Option(help="Where downloaded datasets lie.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="NAME=PATH", help="Where a dataset lies, if not in --data-root; may be repeated."
    ),
]
Generators = Annotated[str, typer.Option(help="Only these generators, comma-separated.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most N images per label and test set.")]
Split = Annotated[
    str,
    typer.Option(
        "--split",
        help="Which split counts: test, val, train or all.",
        show_default="test, else val, else train",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Pairs = Annotated[list[str] | None, typer.Option("--weights", help="A checkpoint file, as NAME=PATH.")]
RepeatedPairs = Annotated[
    list[str] | None, typer.Option("--weights", help="A checkpoint file, as NAME=PATH; may be repeated.")
]
Unverified = Annotated[
    bool,
    typer.Option(
        "--unverified",
        help="Take weights of another sha256 than the published one, such as your own; tables say so.",
    ),
]
Checkpoints = Annotated[str, typer.Option(help="published or sample.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the download.")]


def parse_places(pairs: Iterable[str] | None) -> dict[str, Path]:
    """Read the options ``--data NAME=PATH``.

    Raises:
        BenchError: One has no path, names no described dataset, or nothing is there.
    """
    places = {}
    for pair in pairs or ():
        name, equals, path = pair.partition("=")
        if not equals:
            raise BenchError(f"--data '{pair}' is not NAME=PATH; a dataset of your own is --dataset PATH")
        places[name] = Path(path)
    return check_places(places)
