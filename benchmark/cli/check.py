"""``bench check``: the executable contract of a detector."""

from __future__ import annotations

from typing import Annotated

import typer

from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors
from forenbench.testing import CHECKS, run_check

from . import options as o
from .console import say, show, talk

app = typer.Typer(help="Check a detector against the contract.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check a detector against the contract."""


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
    for loaded in load_detectors([name], checkpoints, Files(weights or [], unverified), device):
        for check in CHECKS:
            with talk.status(f"{loaded.name}  {check}"):
                problem = run_check(check, loaded.detector, device)
            failed |= bool(problem)
            show(f"{'FAIL' if problem else 'ok  '}  {loaded.name}  {check}  {problem}".rstrip())
    if failed:
        say("The contract is not kept; docs/adding_a_detector.md explains each check.", "red")
        raise typer.Exit(1)
