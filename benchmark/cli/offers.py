"""What is offered where detectors lack their weights: commands to type or, on a terminal, a choice."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import typer

from forenbench.errors import NotHere
from forenbench.front.evaluation import Evaluation
from forenbench.front.talk import is_animated
from forenbench.plugins.not_ready import NotReady

from .console import say, split
from .weights import fetch


def made_ready(asked: Evaluation) -> Evaluation:
    """Check a request; on a terminal, let the user choose what to run in place of what lacks its weights.

    Raises:
        NotHere: Weights are not here, and nobody chose anything else.
        BenchError: Something else cannot be carried out.
    """
    try:
        with typed():
            asked.check()
    except NotHere as error:
        refused = error.__cause__
        if not isinstance(refused, NotReady) or not (sys.stdin.isatty() and is_animated()):
            raise
        say(f"{error}", "yellow")
        number = typer.prompt("Fetch and run which number? Enter: none", "", show_default=False, err=True)
        if number not in map(str, range(1, len(refused.ways) + 1)):
            raise typer.Exit(error.exit_status) from error
        way = refused.ways[int(number) - 1]
        if way.fetch:
            fetch([*way.fetch], yes=True)
        if way.option == "detectors":
            return replace(asked, request=replace(asked.request, detectors=split(way.value)))
        return replace(asked, means=replace(asked.means, checkpoints=way.value))
    return asked


@contextmanager
def typed() -> Iterator[None]:
    """Have what can be run in place of detectors without weights worded as commands."""
    try:
        yield
    except NotReady as error:
        raise NotHere(error.worded(_again)) from error


def _again(option: str, value: str) -> str:
    """Write the command that was typed with another value of an option."""
    words, name = iter(sys.argv[1:]), f"--{option}"
    kept = []
    for word in words:
        if word == name:
            next(words, None)
        elif not word.startswith(f"{name}="):
            kept.append(word)
    return shlex.join(["bench", *kept, name, value])
