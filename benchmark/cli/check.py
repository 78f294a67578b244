"""``bench check``: the executable contract of a detector, or of what else can be added."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from forenbench.front.talk import is_animated
from forenbench.plugins.installed import card_problem
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors
from forenbench.testing import CHECKS, run_check
from forenbench.testing.contracts import CONTRACTS

from . import options as o
from .console import say, show, talk

app = typer.Typer(help="Check what you add against its contract.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check what you add against its contract."""


@app.command()
def detector(
    name: Annotated[str, typer.Argument(help="A name, name:variant, name@sample, or a file.")],
    checkpoints: o.Checkpoints = "sample",
    weights: o.Pairs = None,
    unverified: o.Unverified = False,
    device: o.Device = "auto",
) -> None:
    """Run the contract: every check, with what it found."""
    say(f"loading {name}")
    device = choose_device(device)
    failed = False
    # All checks run, also after one that fails: their author mends what they say in one go.
    for loaded in load_detectors([name], checkpoints, Files(weights or [], unverified), device):
        for check in CHECKS:
            with talk.status(f"{loaded.name}  {check}") if is_animated() else nullcontext():
                problem = run_check(check, loaded.detector, device)
            failed |= bool(problem)
            show(f"{'FAIL' if problem else 'ok  '}  {loaded.name}  {check}  {problem}".rstrip())
    # The card is of the whole plugin: the request without the kind of weights and the variant.
    if problem := card_problem(name.partition("@")[0].partition(":")[0]):
        failed = True
        show(f"FAIL  {name}  its card  {problem}")
    if failed:
        say("The contract is not kept; docs/adding_a_detector.md explains each check.", "red")
        raise typer.Exit(1)


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


def _check(kind: str, request: str) -> None:
    """Show every check with what it found."""
    say(f"checking {request}")
    failed = False
    for one in CONTRACTS[kind](request):
        failed |= bool(one.problem)
        show(f"{'FAIL' if one.problem else 'ok  '}  {one.check}  {one.problem}".rstrip())
    if failed:
        say(f"The contract is not kept; docs/adding_{kind}.md explains it.", "red")
        raise typer.Exit(1)
