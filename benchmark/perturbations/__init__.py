"""What happens to an image between its test set and a detector: ``parse("blur:1.5+jpeg:75")``.

The rows of `forenbench.perturbations.kinds.KINDS`, and the profiles of `forenbench.perturbations.suites` made
from them, are all that `parse` and ``bench list perturbations`` know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from forenbench.draws import Draw
from forenbench.errors import BenchError, unknown
from forenbench.types import Perturbation

from .kinds import KINDS, Kind
from .suites import expand, profiles

_BY_NAME = {kind.name: kind for kind in KINDS}


def parse(text: str) -> Perturbation:
    """Read one perturbation, or a chain of them joined by ``+`` and applied from left to right.

    The result is named canonically: ``jpeg:075`` is ``jpeg:75``, a profile is the chain that it stands for,
    and ``none`` vanishes from chains.

    Raises:
        BenchError: A kind is unknown, its value is missing or out of range, or this machine lacks its codec.
    """
    written = [step for part in text.split("+") for step in _unfold(part)]
    steps = tuple(step for step in map(_parse_step, written) if step.kind.name != "none")
    return Perturbation("+".join(step.name for step in steps) or "none", partial(_apply, steps))


def parse_all(texts: Iterable[str]) -> list[Perturbation]:
    """Read perturbations and suites of them (see `suites.expand`), each distinct one once."""
    return list({one.name: one for one in map(parse, expand(texts))}.values())


def draw_generator(seed: int, perturbation: str, image_sha256: str) -> Draw:
    """Return the draw of one image under one perturbation.

    Its numbers are those of a PCG64 seeded with the sha256 of the three arguments, one a line. So every
    detector sees the same pixels, on any machine, in any order of work.

    Args:
        seed: Of the run.
        perturbation: Canonical name of the whole chain; its steps draw one after the other.
        image_sha256: Of the image file, as hex.
    """
    digest = hashlib.sha256(f"{seed}\n{perturbation}\n{image_sha256}".encode()).digest()
    return Draw(np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big"))))


@dataclass(frozen=True, slots=True)
class _Step:
    """A kind with its value."""

    kind: Kind
    value: float

    @property
    def name(self) -> str:
        return f"{self.kind.name}:{self.value}" if self.kind.symbol else self.kind.name

    def apply(self, image: Image.Image, draw: Draw) -> Image.Image:
        values = (self.value,) if self.kind.symbol else ()
        draws = (draw,) if self.kind.random else ()
        return self.kind.apply(image, *values, *draws)


def _apply(steps: tuple[_Step, ...], image: Image.Image, draw: Draw) -> Image.Image:
    """Run a chain, all of its steps drawing from one generator."""
    for number, step in enumerate(steps, 1):
        image = step.apply(image, draw.step(number) if len(steps) > 1 else draw)
    return image


def _unfold(text: str) -> list[str]:
    """Replace a profile's name by its chain."""
    name, colon, _ = text.strip().lower().partition(":")
    if name not in profiles():
        return [text]
    if colon:
        raise BenchError(f"perturbation '{text}': {name} takes no value; write '{name}'")
    return profiles()[name].chain.split("+")


def _parse_step(text: str) -> _Step:
    """Read one part of a chain."""
    name, colon, value = text.strip().lower().partition(":")
    if name not in _BY_NAME:
        raise BenchError(unknown("perturbation", name, [*_BY_NAME, *profiles()]))
    kind = _BY_NAME[name]
    if lack := kind.lack():
        raise BenchError(f"perturbation '{text}' {lack}")
    if kind.symbol:
        return _Step(kind, _parse_value(kind, text, value))
    if colon:
        raise BenchError(f"perturbation '{text}': {name} takes no value; write '{name}'")
    return _Step(kind, 0)


def _parse_value(kind: Kind, text: str, value: str) -> float:
    """Read a kind's number in canonical form."""
    try:
        number = kind.number(value) + 0  # plus zero: -0.0 becomes 0.0
    except ValueError:
        number = kind.low - 1
    if not kind.low <= number <= kind.high:
        problem = "has a bad value" if value else "has no value"
        raise BenchError(
            f"perturbation '{text}' {problem}: write '{kind.syntax}', {kind.symbol} a {kind.range}"
        )
    return number
