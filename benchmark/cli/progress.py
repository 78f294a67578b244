"""Progress of training, on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.progress import TaskID

from forenbench.front.bars import PAUSE, Bars
from forenbench.front.talk import say_in_place_of_bars

from .console import say


class TrainingProgress(Bars):
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
        if step == steps or step % max(1, steps // 10) == 0:
            say_in_place_of_bars(f"{what}: step {step} of {steps}. {numbers}".rstrip())


class RecipeProgress(Bars):
    """Reports a recipe: one bar for the stage in hand, such as an epoch, with the loss and its time left.

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
        if what != self._what:  # another epoch or kind of work, with a pace of its own
            self._what, self._start, self._from, self._said = what, now, step, 0.0
            self._bars.reset(self._task, total=steps)
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        self._bars.update(self._task, total=steps, completed=step, description=f"{what} {numbers}".rstrip())
        if not self._said or step == steps or now - self._said > PAUSE:
            # Counted from the first report, for a training may go on in mid-epoch; one step is no pace yet.
            done, left = step - self._from, ""
            if done and step < steps:
                left = f", about {(now - self._start) / done * (steps - step):.0f} s to the end of it"
            say_in_place_of_bars(f"{what}: {step} of {steps}{left}. {numbers}".rstrip())
            self._said = now
