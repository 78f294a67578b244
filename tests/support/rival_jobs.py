"""Tiny trainings of networks against each other: whole, or stopped again and again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from forenbench.training.examples import Examples
from forenbench.training.processes import Processes
from forenbench.training.recipes import TrainingRecipe
from forenbench.training.rivals import Contest, Rivals
from forenbench.training.state import TrainingSettings


class _Stop(Exception):
    """Ends a training as suddenly as a kill."""


def contest(rivals: Rivals, recipe: TrainingRecipe, examples: Examples, folder: Path) -> Contest:
    """Make a training, resumed where its folder stands; its state is written after each step."""
    settings = TrainingSettings(folder, {"is": 1}, keep="last", save_every=1)
    return Contest(rivals, recipe, examples, settings, Processes())


def trained(rivals: Rivals, recipe: TrainingRecipe, examples: Examples, folder: Path) -> Contest:
    """Train to the end."""
    training = contest(rivals, recipe, examples, folder)
    training.run(lambda *_: None)
    return training


def trained_in_pieces(
    make: Callable[[], Rivals], recipe: TrainingRecipe, examples: Examples, folder: Path
) -> Contest:
    """Train to the end with new networks after every second step, as new processes would have them."""
    calls = 0

    def stop(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise _Stop

    for _ in range(100):
        training = contest(make(), recipe, examples, folder)
        with suppress(_Stop):
            training.run(stop)
            assert calls > 2
            return training
    raise AssertionError("it never ended")
