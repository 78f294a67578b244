"""``bench train``: re-make the checkpoints that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import say, short
from .progress import TrainingProgress

app = typer.Typer(help="Train checkpoints.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Train checkpoints."""


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("sample-weights"),
) -> None:
    """Train the sample dataset's generators and detectors from nothing (half an hour on two cores)."""
    from forenbench.sample.recipe import train_all

    with TrainingProgress() as progress:
        train_all(out, progress.report)
    say(f"wrote {short(out)}/; copy the files over benchmark/sample/weights to ship them")
