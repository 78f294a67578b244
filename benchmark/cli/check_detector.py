"""``bench check detector``: the executable contract of a detector."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from forenbench.errors import BenchError
from forenbench.front.talk import is_animated
from forenbench.plugins.attributes import asks_network
from forenbench.plugins.cards import cards
from forenbench.plugins.installed import card_problem
from forenbench.plugins.loaded import LoadedDetector
from forenbench.scoring.devices import choose_device
from forenbench.scoring.requested import Files, load_detectors
from forenbench.testing import CHECKS, run_check
from forenbench.testing.references import check_references
from forenbench.types import PUBLISHED

from . import options as o
from .console import failing, say, talk


def detector(  # noqa: PLR0913 - a command's options are its arguments
    name: Annotated[str, typer.Argument(help="A name, name:variant, name@sample, or a file.")],
    checkpoints: o.Checkpoints = "sample",
    weights: o.Pairs = None,
    unverified: o.Unverified = False,
    allow_network: o.AllowNetwork = False,
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
    files = Files(weights or [], unverified, allow_network=allow_network)
    detectors = load_detectors([name], kind, files, device)
    # A card is of the whole plugin: the request without the kind of weights and the variant.
    plugin = name.partition("@")[0].partition(":")[0]
    if reference is not None:
        _compare(name, plugin, detectors, reference, device)
        return
    is_broken = False
    # All checks run, also after one that fails: their author mends what they say in one go.
    for loaded in detectors:
        if asks_network(loaded.detector):
            say(f"{loaded.name} sends some 85 small pictures over the network", "yellow")
        for check in CHECKS:
            with talk.status(f"{loaded.name}  {check}") if is_animated() else nullcontext():
                problem = run_check(check, loaded.detector, device)
            is_broken |= failing(f"{loaded.name}  {check}", problem)
    if problem := card_problem(plugin):
        is_broken |= failing(f"{name}  its card", problem)
    if is_broken:
        say("The contract is not kept; docs/adding_a_detector.md explains each check.", "red")
        raise typer.Exit(1)


def _compare(name: str, plugin: str, loaded: Iterable[LoadedDetector], folder: Path, device: str) -> None:
    """Show every published score with what came out here."""
    facts = next((card.facts for card in cards() if card.name == plugin), None)
    published = facts.reference if facts else ()
    found = [
        failing(f"{one.name}  {result.check}", result.problem)
        for one in loaded
        for result in check_references(
            one.detector, [score for score in published if score.variant == one.variant], folder, device
        )
    ]
    if not found:
        raise BenchError(
            f"'{name}' has no published score; 'bench list detectors --card {plugin}' shows its card"
        )
    if any(found):
        say("A published score is not reached: other weights, another input, or a fault of ours.", "red")
        raise typer.Exit(1)
