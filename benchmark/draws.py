"""The random numbers of one image under one perturbation, with a record of the parameters that were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = TypeVar("Value", int, float, str)


class Draw:
    """Draws parameters by name and keeps them; whole fields of noise are drawn without a record.

    `text` is what is stored with the image's row: ``quality=47``, or ``left=3 top=0`` for several, in the
    order drawn. In a chain every name begins with its step's number, counted from 1: ``1.left=3 3.left=2``.
    Floats are written so that reading them gives the same number; yes-or-no draws are ``yes`` and ``no``.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._drawn: list[str] = []
        self._prefix = ""

    @property
    def text(self) -> str:
        """All that was drawn by name so far; empty if nothing was."""
        return " ".join(self._drawn)

    def __str__(self) -> str:
        return self.text

    def step(self, number: int) -> Draw:
        """Return the same numbers and record for one step of a chain, under whose number names are kept."""
        # One generator and one list for the whole chain: a step draws on from where the last one stopped, and
        # the record keeps the order in which parameters were drawn.
        step = Draw(self._generator)
        step._drawn = self._drawn
        step._prefix = f"{self._prefix}{number}."
        return step

    def integer(self, name: str, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return self._keep(name, int(self._generator.integers(low, high + 1)))

    def uniform(self, name: str, low: float, high: float) -> float:
        """Draw a number from `low` to `high`."""
        return self._keep(name, float(self._generator.uniform(low, high)))

    def chance(self, name: str, probability: float) -> bool:
        """Draw whether something happens."""
        happens = bool(self._generator.random() < probability)
        self._keep(name, "yes" if happens else "no")
        return happens

    def choice(self, name: str, options: Sequence[str]) -> str:
        """Draw one of several, with equal chances."""
        # Not generator.choice, which hands back a str of NumPy's own.
        return self._keep(name, options[int(self._generator.integers(len(options)))])

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Draw standard normal numbers, unrecorded."""
        return self._generator.standard_normal(shape)

    def poisson(self, means: NDArray[np.float64]) -> NDArray[np.int64]:
        """Draw a Poisson number for each mean, unrecorded."""
        return self._generator.poisson(means)

    def _keep(self, name: str, value: Value) -> Value:
        """Add a parameter to the record."""
        # Python writes a float as the shortest text that reads back as the same number.
        self._drawn.append(f"{self._prefix}{name}={value}")
        return value
