"""Downloads as the user sees them: the question before, the bar during."""

from __future__ import annotations

import typer
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from forenbench.errors import BenchError
from forenbench.front.bars import Bars
from forenbench.front.talk import say_in_place_of_bars

from .console import say

_STEP = 0.25
"""Share of a file between two lines, where there is no terminal."""


class TransferProgress(Bars):
    """A bar for each file on a terminal, a line for each quarter elsewhere; use it in a ``with`` block."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            transient=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def advance(self, name: str, done: int, total: int) -> None:
        """Move a file's bar; a total of 0 is not known."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total or None)
        self._bars.update(self._tasks[name], completed=done)
        # A log file must not get a line for each of ten thousand chunks.
        if total and done >= self._told.get(name, _STEP) * total:
            self._told[name] = done / total + _STEP
            say_in_place_of_bars(f"{name}: {decimal(done)} of {decimal(total)}")


def agree(yes: bool, question: str = "Download?", done: str = "downloaded") -> None:
    """Ask before a download, or something else that one may regret.

    Args:
        yes: The answer is known.
        question: What is asked.
        done: What then happens, as in "nothing was downloaded".

    Raises:
        BenchError: Nobody is there to answer.
    """
    if yes:
        return
    try:
        # On stderr: stdout may be a pipe, and a question in it would neither be seen nor belong there.
        agreed = typer.confirm(question, err=True)
    except typer.Abort as error:  # the input has ended: a script, or a job in the background
        raise BenchError(f"nothing was {done}: nobody answered; with '--yes' nobody is asked") from error
    if not agreed:
        say(f"Nothing was {done}.")
        raise typer.Exit(1)
