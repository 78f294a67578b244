"""``bench train sample``: the checkpoints that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.cli.console import say, short
from forenbench.cli.progress import TrainingProgress
from forenbench.sample.recipe import train_all


def sample(
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("sample-weights"),
) -> None:
    """Train the sample dataset's generators and detectors from nothing (half an hour on two cores)."""
    with TrainingProgress() as progress:
        train_all(out, progress.report)
    say(f"wrote {short(out)}/; copy the files over benchmark/sample/weights to ship them")
