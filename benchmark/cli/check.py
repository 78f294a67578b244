"""``bench check``: the executable contract of a detector, or of what else can be added; results of others."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.importing import ImportOptions
from forenbench.front.reviewing import review_results
from forenbench.front.talk import is_animated
from forenbench.plugins.cards import cards
from forenbench.plugins.installed import card_problem
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors
from forenbench.testing import CHECKS, run_check
from forenbench.testing.contracts import CONTRACTS
from forenbench.testing.references import check_references
from forenbench.types import PUBLISHED

from . import options as o
from .console import say, show, split_pairs, talk

app = typer.Typer(help="Check what you add against its contract, or results.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check what you add against its contract, or results."""


@app.command()
def detector(  # noqa: PLR0913 - a command's options are its arguments
    name: Annotated[str, typer.Argument(help="A name, name:variant, name@sample, or a file.")],
    checkpoints: o.Checkpoints = "sample",
    weights: o.Pairs = None,
    unverified: o.Unverified = False,
    device: o.Device = "auto",
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Compare with the scores that the authors published, on their pictures here.",
        ),
    ] = None,
) -> None:
    """Run the contract: every check, with what it found."""
    say(f"loading {name}")
    device = choose_device(device)
    # The authors' scores are those of their weights.
    kind = checkpoints if reference is None else PUBLISHED
    detectors = load_detectors([name], kind, Files(weights or [], unverified), device)
    # A card is of the whole plugin: the request without the kind of weights and the variant.
    plugin = name.partition("@")[0].partition(":")[0]
    if reference is not None:
        _compare(name, plugin, detectors, reference, device)
        return
    failed = False
    # All checks run, also after one that fails: their author mends what they say in one go.
    for loaded in detectors:
        for check in CHECKS:
            with talk.status(f"{loaded.name}  {check}") if is_animated() else nullcontext():
                problem = run_check(check, loaded.detector, device)
            failed |= _failed(f"{loaded.name}  {check}", problem)
    if problem := card_problem(plugin):
        failed |= _failed(f"{name}  its card", problem)
    if failed:
        say("The contract is not kept; docs/adding_a_detector.md explains each check.", "red")
        raise typer.Exit(1)


def _compare(name: str, plugin: str, loaded: Iterable[LoadedDetector], folder: Path, device: str) -> None:
    """Show every published score with what came out here."""
    facts = next((card.facts for card in cards() if card.name == plugin), None)
    published = facts.reference if facts else ()
    failed = [
        _failed(f"{one.name}  {result.check}", result.problem)
        for one in loaded
        for result in check_references(
            one.detector, [score for score in published if score.variant == one.variant], folder, device
        )
    ]
    if not failed:
        raise BenchError(
            f"'{name}' has no published score; 'bench list detectors --card {plugin}' shows its card"
        )
    if any(failed):
        say("A published score is not reached: other weights, another input, or a fault of ours.", "red")
        raise typer.Exit(1)


def _failed(check: str, problem: str) -> bool:
    """Show a check with what it found; return whether that is a problem."""
    show(f"{'FAIL' if problem else 'ok  '}  {check}  {problem}".rstrip())
    return bool(problem)


@app.command()
def perturbation(
    name: Annotated[str, typer.Argument(help="As for --perturbations: ./mine.py:8, or a name.")],
) -> None:
    """Run the contract of a perturbation."""
    _check("perturbation", name)


@app.command()
def source(
    place: Annotated[str, typer.Argument(help="As for --dataset: ./mine.py:PLACE, or the place.")],
) -> None:
    """Run the contract of a source on a place that it opens."""
    _check("source", place)


@app.command()
def table(name: Annotated[str, typer.Argument(help="As for 'bench table': ./mine.py, or a name.")]) -> None:
    """Run the contract of a table on a tiny run."""
    _check("table", name)


@app.command()
def metric(name: Annotated[str, typer.Argument(help="A file, or the name of a package's metric.")]) -> None:
    """Run the contract of a metric on a tiny run."""
    _check("metric", name)


@app.command()
def engine(name: Annotated[str, typer.Argument(help="As for --engine.")]) -> None:
    """Run the contract of an engine: a tiny run gives the rows of the local engine."""
    _check("engine", name)


@app.command()
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
    failed = False
    for one in review_results(results, beside=beside or (), dataset=dataset or (), **words):
        failed |= _failed(one.check, one.problem)
        if one.said:
            say(f"      {one.said}", "yellow")
    if failed:
        say("These results are not to be joined with others; docs/submitting.md explains each check.", "red")
        raise typer.Exit(1)


def _check(kind: str, request: str) -> None:
    """Show every check with what it found."""
    say(f"checking {request}")
    failed = False
    for one in CONTRACTS[kind](request):
        failed |= _failed(one.check, one.problem)
    if failed:
        say(f"The contract is not kept; docs/adding_{kind}.md explains it.", "red")
        raise typer.Exit(1)
