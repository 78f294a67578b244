"""Progress of long work, on stderr: bars on a terminal, plain lines elsewhere, in notebooks for instance."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from forenbench.printable import printable
from forenbench.scoring.outcome import Silent
from forenbench.types import TestSet

from .talk import detail, is_animated, say, say_in_place_of_bars, talk

PAUSE = 30
"""Seconds between two lines on long work, elsewhere than on a terminal."""


class Bars:
    """Bars with other columns, or with count, speed and time left; use it in a ``with`` block."""

    def __init__(self, *columns: ProgressColumn, transient: bool) -> None:
        counted = (_Doing(), BarColumn(), TextColumn("{task.completed}/{task.total}"), _Rate())
        self._bars = Progress(
            *(columns or (*counted, TimeRemainingColumn())),
            console=talk,
            # Without a terminal Rich would leave the last state of each bar in a log, as a line of blocks.
            disable=not is_animated(),
            transient=transient,
        )

    def __enter__(self) -> Self:
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the terminal."""
        self._bars.stop()


class _Doing(ProgressColumn):
    """What is done, names of others included."""

    def render(self, task: Task) -> Text:
        """Show it literally."""
        # TextColumn would take "[/red]" in the name of a folder for markup, and end in an error.
        return Text(printable(task.description))


class _Rate(ProgressColumn):
    """Steps per second of late."""

    def render(self, task: Task) -> Text:
        """Show the speed, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="cyan")


class RunProgress(Bars):
    """Reports a run (see `forenbench.scoring.outcome.Reporter`)."""

    def __init__(self) -> None:
        super().__init__(transient=True)
        self.stop: Callable[[], bool] = lambda: False
        self._task = self._bars.add_task("loading", total=None)
        self._doing = self._name = ""
        self._cells, self._done = 0, 0
        self._images, self._seen, self._start = 0, 0, time.monotonic()
        self._said = self._start

    def files(self, what: str, done: int, total: int) -> None:
        """Show how many image files are made or read."""
        if what != self._doing:
            say_in_place_of_bars(f"{what}: {total} images")
        self._doing = what
        self._bars.update(self._task, description=what, completed=done, total=total)

    def begin(self, cells: int, present: int, images: int) -> None:
        """Say what is there already, and set the bar for the rest."""
        # The clock starts here: the time that loading took says nothing of the pace.
        self._cells, self._done, self._images, self._seen = cells, present, images, 0
        self._start = self._said = time.monotonic()
        say(f"{cells} cells (detector × test set × perturbation), {present} of them done before")
        self._bars.reset(self._task, total=images, description="scoring images")

    def testset(self, testset: TestSet, cells: int) -> None:
        """Name the test set in hand."""
        self._name = f"{testset.dataset}/{testset.name}"
        self._describe()
        told = f"{self._name}: {cells} cells, {len(testset.samples)} images ({self._pace()})"
        say_in_place_of_bars(printable(told))

    def stored(self, cells: int) -> None:
        """Count cells that are there now."""
        self._done += cells
        self._describe()
        self.detail(printable(f"stored {cells} cells ({self._pace()})"))

    def advance(self, images: int) -> None:
        """Move the bar; elsewhere than on a terminal, a line now and then."""
        self._seen += images
        self._bars.advance(self._task, images)
        if time.monotonic() - self._said > PAUSE:
            self._said = time.monotonic()
            say_in_place_of_bars(f"{self._seen} of {self._images} images ({self._pace()})")

    def skip(self, images: int) -> None:
        """Leave out images that need no scoring."""
        # Taken off the total, not counted as done: what another process scored is no part of this one's pace.
        self._images -= images
        self._bars.update(self._task, total=self._images)

    def say(self, message: str, style: str = "") -> None:
        """Say anything else."""
        say(message, style)

    def detail(self, message: str, style: str = "dim") -> None:
        """Say what few want to know."""
        detail(message, style)

    def tell(self, text: str) -> None:
        """Say what is going on, or what a reader of the results must know."""
        say(f"note: {text}", "yellow")

    note = tell  # engines tell a `Listener`, a run notes to its `Reporter`: the user hears one voice

    def stopped(self) -> bool:
        """Say whether the run is to end: once somebody asked for it."""
        return self.stop()

    def _describe(self) -> None:
        self._bars.update(self._task, description=f"{self._done}/{self._cells} cells; {self._name}")

    def _pace(self) -> str:
        """Say how far the run is, and how long the rest will take at this pace."""
        spent = time.monotonic() - self._start
        if not self._seen:
            return f"{self._done} of {self._cells} cells done"
        pace = self._seen / spent
        left = (self._images - self._seen) / pace
        return f"{self._done} of {self._cells} cells done, {pace:.1f} images/s, about {left:.0f} s left"


class Quiet(Silent):
    """Stands in for `RunProgress` where nothing is to be said."""

    def __enter__(self) -> Self:
        """Show nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """End without a word."""

    def files(self, what: str, done: int, total: int) -> None:
        """Hear of files that are made or read, and say nothing."""

    def say(self, message: str, style: str = "") -> None:
        """Hear what the user might want to know, and say nothing."""

    def detail(self, message: str, style: str = "") -> None:
        """Hear a detail, and say nothing."""
