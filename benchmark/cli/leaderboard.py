"""``bench leaderboard``: one row a detector, as CSV and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forenbench.errors import BenchError

from .console import say, short, show

if TYPE_CHECKING:
    from forenbench.records.store import Store

_RUNS = Path("results/runs")
FAILED_AS = "What images without a score count as: missing (in no metric), or wrong (errors in each)."
"""Help of the option of all commands that measure."""


def leaderboard(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders.", show_default="all below results/runs")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where leaderboard.csv and leaderboard.md go.")] = Path("results"),
    rank_by: Annotated[str, typer.Option(help="The mean that ranks: ap, auroc or bacc.")] = "ap",
    failed_as: Annotated[str, typer.Option(help=FAILED_AS)] = "missing",
) -> None:
    """Rank the detectors of one or more runs."""
    from forenbench.tables import measure
    from forenbench.tables.leaderboard import write

    csv, markdown = write(measure(open_stores(runs or []), failed_as=failed_as), out, rank_by)
    show(markdown.read_text(encoding="utf-8"))
    say(f"wrote {short(csv)}, {short(markdown)}")


def open_stores(runs: list[Path]) -> list[Store]:
    """Open run folders; without any, all below results/runs."""
    from forenbench.records.store import Store

    folders = runs or (sorted(path for path in _RUNS.iterdir() if path.is_dir()) if _RUNS.is_dir() else [])
    if not folders:
        raise BenchError(f"there is no run below '{_RUNS}'; name a run folder, or make one with 'bench run'")
    for folder in folders:
        if not (folder / "scores").is_dir():
            raise BenchError(f"'{folder}' is no run folder: it has no 'scores' in it")
    return [Store(folder) for folder in folders]
