"""``bench check``: the executable contract of a detector."""

from __future__ import annotations

from typing import Annotated

import typer

from .console import say, show, talk
from .loading import UNVERIFIED, Files, choose_device, load_detectors

app = typer.Typer(help="Check a detector against the contract.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check a detector against the contract."""


@app.command()
def detector(
    name: Annotated[str, typer.Argument(help="A name, name:variant, name@sample, or a file.")],
    checkpoints: Annotated[str, typer.Option(help="published or sample.")] = "sample",
    weights: Annotated[list[str] | None, typer.Option(help="A checkpoint file, as NAME=PATH.")] = None,
    unverified: Annotated[bool, typer.Option("--unverified", help=UNVERIFIED)] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Run the contract: every check, with what it found."""
    say(f"loading {name}")
    from forenbench.testing import CHECKS, run_check

    device = choose_device(device)
    failed = False
    for loaded in load_detectors([name], checkpoints, Files(weights or [], unverified), device):
        for check in CHECKS:
            with talk.status(f"{loaded.name}  {check}"):
                problem = run_check(check, loaded.detector, device)
            failed |= bool(problem)
            show(f"{'FAIL' if problem else 'ok  '}  {loaded.name}  {check}  {problem}".rstrip())
    if failed:
        say("The contract is not kept; docs/adding_a_detector.md explains each check.", "red")
        raise typer.Exit(1)
