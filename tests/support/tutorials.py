"""The tutorials of docs/tutorials as scripts: what a page shows is typed, line by line, as a reader would."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command_line import Bench, Outcome
from notebook import run_cell

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_STATUS = re.compile(r"# exit status (\d)")


@dataclass(frozen=True)
class Typed:
    """A command that a page shows.

    Attributes:
        words: After ``bench``.
        shown: The lines that the page shows below it, in order; others may stand between them.
        status: The exit status that the page tells of.
    """

    words: tuple[str, ...]
    shown: tuple[str, ...]
    status: int


def commands(console: str) -> Iterator[Typed]:
    """Read a block of a terminal; a line of "…" stands for lines that are left out."""
    for block in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        line, *shown = block.splitlines()
        program, *words = shlex.split(line, comments=True)
        if program != "bench":
            continue  # pip, which installs
        status = _STATUS.search(line)
        kept = tuple(one.rstrip() for one in shown if one not in ("…", ""))
        yield Typed(tuple(words), kept, int(status[1]) if status else 0)


def follow(text: str, bench: Bench, ready: Callable[[Typed], Typed]) -> list[Typed]:
    """Do what a page says, in the working folder: write its files, run its Python, type its commands.

    Args:
        text: The page.
        bench: Calls the command line.
        ready: Makes a command one that runs without a network.

    Returns:
        The commands that were typed.
    """
    typed = []
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, title, body in _FENCE.findall(text):
        if title:
            Path(title).write_text(body, encoding="utf-8")
        elif language == "python":
            run_cell(body, names)
        elif language == "console":
            for command in map(ready, commands(body)):
                _compare(command, bench(*command.words))
                typed.append(command)
    return typed


def _compare(command: Typed, outcome: Outcome) -> None:
    """Hold a command to the status and the lines that its page shows."""
    assert outcome.code == command.status, f"bench {shlex.join(command.words)}: {outcome.err}"
    printed = iter((outcome.out + outcome.err).splitlines())
    for line in command.shown:
        assert any(one.rstrip() == line for one in printed), f"bench {shlex.join(command.words)}: {line}"
