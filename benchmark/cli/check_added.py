"""The contracts of what can be added beside detectors: ``bench check perturbation`` and others."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.testing.contracts import CONTRACTS

from .console import failing, say


def perturbation(
    name: Annotated[str, typer.Argument(help="As for --perturbations: ./mine.py:8, or a name.")],
) -> None:
    """Run the contract of a perturbation."""
    _check("perturbation", name)


def source(
    place: Annotated[str, typer.Argument(help="As for --dataset: ./mine.py:PLACE, or the place.")],
) -> None:
    """Run the contract of a source on a place that it opens."""
    _check("source", place)


def table(name: Annotated[str, typer.Argument(help="As for 'bench table': ./mine.py, or a name.")]) -> None:
    """Run the contract of a table on a tiny run."""
    _check("table", name)


def metric(name: Annotated[str, typer.Argument(help="A file, or the name of a package's metric.")]) -> None:
    """Run the contract of a metric on a tiny run."""
    _check("metric", name)


def engine(name: Annotated[str, typer.Argument(help="As for --engine.")]) -> None:
    """Run the contract of an engine: a tiny run gives the rows of the local engine."""
    _check("engine", name)


def _check(kind: str, request: str) -> None:
    """Show every check with what it found."""
    say(f"checking {request}")
    is_broken = False
    for one in CONTRACTS[kind](request):
        is_broken |= failing(one.check, one.problem)
    if is_broken:
        say(f"The contract is not kept; docs/adding_{kind}.md explains it.", "red")
        raise typer.Exit(1)
