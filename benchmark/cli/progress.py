"""Progress of long work, on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from forenbench.printable import printable
from forenbench.types import TestSet

from .console import say, talk

PAUSE = 30
"""Seconds between two lines on long work, elsewhere than on a terminal."""


class _Bars:
    """Bars with count, speed and time left; use it in a ``with`` block."""

    def __init__(self, *, transient: bool) -> None:
        self._bars = Progress(
            _Doing(),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            _Rate(),
            TimeRemainingColumn(),
            console=talk,
            disable=not talk.is_terminal,
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
        return Text(printable(task.description))


class _Rate(ProgressColumn):
    """Steps per second of late."""

    def render(self, task: Task) -> Text:
        """Show the speed, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="cyan")


class RunProgress(_Bars):
    """Reports a run (see `forenbench.scoring.runner.Reporter`)."""

    def __init__(self) -> None:
        super().__init__(transient=True)
        self._task = self._bars.add_task("loading", total=None)
        self._doing = self._name = ""
        self._cells, self._done = 0, 0
        self._images, self._seen, self._start = 0, 0, time.monotonic()
        self._said = self._start

    def files(self, what: str, done: int, total: int) -> None:
        """Show how many image files are made or read."""
        if what != self._doing and not talk.is_terminal:
            say(f"{what}: {total} images")
        self._doing = what
        self._bars.update(self._task, description=what, completed=done, total=total)

    def begin(self, cells: int, present: int, images: int) -> None:
        """Say what is there already, and set the bar for the rest."""
        self._cells, self._done, self._images = cells, present, images
        self._start = self._said = time.monotonic()
        say(f"{cells} cells (detector × test set × perturbation), {present} of them done before")
        self._bars.reset(self._task, total=images, description="scoring images")

    def testset(self, testset: TestSet, cells: int) -> None:
        """Name the test set in hand."""
        self._name = f"{testset.dataset}/{testset.name}"
        self._describe()
        if not talk.is_terminal:
            say(printable(f"{self._name}: {cells} cells, {len(testset.samples)} images ({self._pace()})"))

    def stored(self, cells: int) -> None:
        """Count cells that are there now."""
        self._done += cells
        self._describe()

    def advance(self, images: int) -> None:
        """Move the bar; elsewhere than on a terminal, a line now and then."""
        self._seen += images
        self._bars.advance(self._task, images)
        if not talk.is_terminal and time.monotonic() - self._said > PAUSE:
            self._said = time.monotonic()
            say(f"{self._seen} of {self._images} images ({self._pace()})")

    def skip(self, images: int) -> None:
        """Leave out images that need no scoring."""
        self._images -= images
        self._bars.update(self._task, total=self._images)

    def note(self, text: str) -> None:
        """Say what a reader of the results must know."""
        say(f"note: {text}", "yellow")

    def _describe(self) -> None:
        self._bars.update(
            self._task, description=f"{self._done}/{self._cells} cells done; images of {self._name}"
        )

    def _pace(self) -> str:
        """Say how far the run is, and how long the rest will take at this pace."""
        spent = time.monotonic() - self._start
        if not self._seen:
            return f"{self._done} of {self._cells} cells done"
        pace = self._seen / spent
        left = (self._images - self._seen) / pace
        return f"{self._done} of {self._cells} cells done, {pace:.1f} images/s, about {left:.0f} s left"


class TrainingProgress(_Bars):
    """Reports training: one bar for each thing trained, with its losses."""

    def __init__(self) -> None:
        super().__init__(transient=False)
        self._tasks: dict[str, TaskID] = {}

    def report(self, what: str, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Move the bar of what is trained; elsewhere than on a terminal, a line now and then."""
        numbers = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=steps)
        self._bars.update(self._tasks[what], completed=step, description=f"{what} {numbers}".rstrip())
        if not talk.is_terminal and (step == steps or step % max(1, steps // 10) == 0):
            say(f"{what}: step {step} of {steps}. {numbers}".rstrip())


class RecipeProgress(_Bars):
    """Reports a recipe: one bar for the part in hand, an epoch for instance, with the loss and its time left.

    Args:
        quiet: Report nothing: of several processes, one speaks.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(transient=True)
        self._quiet, self._what = quiet, ""
        self._task = self._bars.add_task("starting", total=None, visible=not quiet)
        self._start, self._from, self._said = 0.0, 0, 0.0

    def note(self, text: str) -> None:
        """Say what the user must know before work begins."""
        if not self._quiet:
            say(text)

    def files(self, what: str, done: int, total: int) -> None:
        """Report work on image files before training."""
        self.report(what, done, total, {})

    def report(self, what: str, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Move the bar; elsewhere than on a terminal, a line now and then."""
        if self._quiet:
            return
        now = time.monotonic()
        if what != self._what:
            self._what, self._start, self._from, self._said = what, now, step, 0.0
            self._bars.reset(self._task, total=steps)
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        self._bars.update(self._task, total=steps, completed=step, description=f"{what} {numbers}".rstrip())
        if not talk.is_terminal and (not self._said or step == steps or now - self._said > PAUSE):
            say(f"{what}: {step} of {steps}{self._left(now, step, steps)}. {numbers}".rstrip())
            self._said = now

    def _left(self, now: float, step: int, steps: int) -> str:
        """Word how long the part in hand will take, once it has taken long enough to tell."""
        done = step - self._from
        if not done or step == steps:
            return ""
        return f", about {(now - self._start) / done * (steps - step):.0f} s to the end of it"
