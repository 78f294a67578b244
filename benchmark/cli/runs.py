"""``bench runs``: what was run, and what is done with whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.files.json_documents import document
from forenbench.files.sizes import size_of
from forenbench.front.config import NAME
from forenbench.front.diffing import diff_runs
from forenbench.front.merging import merge_runs
from forenbench.front.results import load_results
from forenbench.front.run_folders import RUNS, find_run
from forenbench.front.runs import list_runs, remove_run, rename_run, state_of
from forenbench.tables.rendering import render
from forenbench.weights.wording import size_in_words

from . import options as o
from .console import say, short, show, show_table, width
from .transfers import agree

app = typer.Typer(help="List, show, check, rename, remove, merge or compare runs.", no_args_is_help=True)

_RUN = "A run folder, or its name below results/runs."
Run = Annotated[str, typer.Argument(help=_RUN)]


@app.command("list")
def listing(
    folder: Annotated[Path, typer.Argument(help="The folder that runs are in.")] = RUNS,
    style: o.RowStyle = "text",
) -> None:
    """List the runs in a folder: what of, how large, how far, and when."""
    runs = list_runs(folder)
    if runs.empty:
        say(f"There is no run in {short(folder)}; 'bench run' makes one.")
    if style != "text":
        show(runs.to_csv(index=False) if style == "csv" else document("runs", runs=runs))
    elif not runs.empty:
        shown = runs.assign(size=runs["size"].map(size_in_words), date=runs["date"].str[:16])
        show_table(list(map(str, shown)), shown.itertuples(index=False), right={"cells", "images", "size"})


@app.command("show")
def showing(run: Run, style: o.Style = "text") -> None:
    """Show what made a run: commands, versions, digests of weights and test sets, what was not scored."""
    folder = find_run(run)
    kept = f", asked for by {short(folder / NAME)}" if (folder / NAME).is_file() else ""
    line = f"{short(folder)}: {state_of(folder)}, {size_in_words(size_of(folder))}{kept}"
    (show if style in ("text", "markdown") else say)(line)  # no line of a table that programs read
    if not (folder / "scores").is_dir():  # stopped before its first cell
        return
    for table in load_results(folder).provenance():
        show(render(table, style, width()))


@app.command()
def check(  # noqa: PLR0913 - a command's options are its arguments
    runs: o.Runs = None,
    fail_below: o.FailBelow = None,
    fail_above: o.FailAbove = None,
    protocol: o.CellsOf = "",
    failed_as: o.FailedAs = "missing",
    tampered_as: o.TamperedAs = "apart",
) -> None:
    """Compare metrics of finished runs with limits: status 3 where one is worse, or has no value."""
    if not (fail_below or fail_above):
        raise BenchError("no limit is said: add --fail-below ap=0.9, for instance, or --fail-above ece=0.1")
    number = load_results(runs or []).require(
        fail_below or [],
        at_most=fail_above or [],
        protocol=protocol,
        failed_as=failed_as,
        tampered_as=tampered_as,
    )
    say(f"All {number} numbers are as good as required.", "green")


@app.command()
def rename(
    run: Run, name: Annotated[str, typer.Argument(help="A new name in the same folder, or a path.")]
) -> None:
    """Rename a run, or move it; not while it is going on."""
    say(f"It is {short(rename_run(run, name))}/ now.", "green")


@app.command()
def rm(
    runs: Annotated[list[str], typer.Argument(help="Run folders, or their names below results/runs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Remove runs: what was made in their folders, and nothing else; not while they are going on."""
    folders = [find_run(run) for run in runs]
    for folder in folders:
        say(f"To remove: {short(folder)}/, {state_of(folder)}, {size_in_words(size_of(folder))}")
    agree(yes, "Remove?", "removed")
    for folder in folders:
        others = remove_run(folder)
        say(f"Removed {short(folder)}/.", "green")
        if others:
            names = ", ".join(path.name for path in others)
            say(f"No run made these, and so they stay in {short(folder)}/: {names}", "yellow")


@app.command()
def merge(
    runs: Annotated[list[str], typer.Argument(help="Two or more run folders, or their names.")],
    out: Annotated[Path, typer.Option(help="The new run folder.")],
) -> None:
    """Copy the cells of several runs into a new one, bit for bit; what contradicts itself is refused."""
    merged = merge_runs(runs, out)
    say(f"{len(merged.rows()):,} rows are in {short(merged.out)}/ now.", "green")


@app.command()
def diff(first: Run, second: Run, style: o.RowStyle = "text") -> None:
    """Say where two runs differ: cells, what made them, how many scores, and by how much at most."""
    cells = diff_runs(first, second)
    differing = cells[cells["differs"] != ""]
    if style != "text":
        show(differing.to_csv(index=False) if style == "csv" else document("diff", cells=differing))
    elif not differing.empty:
        lines = differing.astype({"largest": object}).fillna({"largest": ""})
        show_table(
            list(map(str, lines)), lines.itertuples(index=False), right={"images", "scores", "largest"}
        )
    (show if style == "text" else say)(f"{len(differing)} of {len(cells)} cells differ.")
