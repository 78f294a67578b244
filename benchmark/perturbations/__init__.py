"""What happens to an image between its test set and a detector: ``parse("blur:1.5+jpeg:75")``.

`parse` knows the rows of `forenbench.perturbations.kinds.KINDS`, what packages and files add to them, and the
profiles of `forenbench.perturbations.suites` made from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from PIL import Image

from forenbench.draws import Draw
from forenbench.errors import BenchError, unknown
from forenbench.registry import Opened, Registry
from forenbench.registry.guests import reason
from forenbench.registry.plugin_files import PluginFile, read_plugin, split_request
from forenbench.types import Perturbation

from . import guest_kinds
from .kinds import KINDS, Kind
from .suites import expand, profiles

_DIGITS = 12
"""Of a file's sha256 that stand in a perturbation's name, and so in the identity of rows."""


def parse(text: str) -> Perturbation:
    """Read one perturbation, or a chain of them joined by ``+`` and applied from left to right.

    The result is named canonically: ``jpeg:075`` is ``jpeg:75``, a profile is the chain that it stands for,
    ``none`` vanishes from chains, and what a package or a file adds is named with its version, a file with
    the first digits of its sha256: ``./pixelate.py:8`` is ``pixelate@3f2a9c1b0d4e:8``.

    Raises:
        BenchError: A kind is unknown or cannot be used, its value is missing or out of range, or this machine
            lacks its codec.
    """
    written = [step for part in text.split("+") for step in _unfold(part)]
    steps = tuple(step for step in map(_parse_step, written) if step.kind.name != "none")
    return Perturbation("+".join(step.name for step in steps) or "none", partial(_apply, steps))


def parse_all(texts: Iterable[str]) -> list[Perturbation]:
    """Read perturbations and suites of them (see `suites.expand`), each distinct one once."""
    return list({one.name: one for one in map(parse, expand(texts))}.values())


def added() -> list[Opened[Kind]]:
    """List what packages add, also what cannot be used."""
    return [guest_kinds.of_package(one) for one in PERTURBATIONS.added()]


def known_kind(family: str) -> Kind | None:
    """Find an installed kind by its name with its version, as tables have it; None where there is none."""
    try:
        return _named(family)
    except BenchError:
        return None


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
        return f"{self.kind.family}:{self.value}" if self.kind.symbol else self.kind.family

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
    kind, value = _find_kind(text)
    if lack := kind.lack():
        raise BenchError(f"perturbation '{text}' {lack}")
    if kind.symbol:
        return _Step(kind, _parse_value(kind, text, value or ""))
    if value is not None:
        raise BenchError(f"perturbation '{text}': {kind.name} takes no value; write '{kind.name}'")
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


def _find_kind(text: str) -> tuple[Kind, str | None]:
    """Read a kind by its name, name and version, or file; and the value as written, None without a colon."""
    file, value = split_request(text)
    if file:
        return _of_file(read_plugin(file, "perturbation")), value
    written, colon, value = text.strip().lower().partition(":")
    return _named(written), value if colon else None


def _named(written: str) -> Kind:
    """Find one of our own, or of a package's, which may be written with its version."""
    name, at, version = written.partition("@")
    entries = PERTURBATIONS.entries()
    if name not in entries:
        hint = f"'{written}' was made with a file; write the file's path. " if at else ""
        raise BenchError(hint + unknown("perturbation", name, [*entries, *profiles()]))
    found = guest_kinds.of_package(PERTURBATIONS.find(name)) if entries[name].is_added else None
    kind = found.thing if found else PERTURBATIONS.ours[name]
    if found and kind is None:
        raise BenchError(f"perturbation '{name}' ({found.entry.package}) cannot be used: {found.problem}")
    assert kind is not None
    if at and version != kind.version:
        there = f"version {kind.version} of {name} is installed" if found else f"{name} has no versions"
        raise BenchError(f"perturbation '{written}': {there}")
    return kind


def _of_file(file: PluginFile) -> Kind:
    """Take the kind that a file defines; its version is the file's content."""
    kind = _kind_in(file)
    try:
        held = guest_kinds.held(kind, partial(_apply_of, file), file.sha256[:_DIGITS])
        return replace(held, harm=kind.harm and partial(_harm_of, file))
    except Exception as error:
        raise BenchError(f"perturbation '{file.path}' cannot be used: {reason(error)}") from error


@lru_cache
def _kind_in(file: PluginFile) -> Kind:
    """Run a file, once a process."""
    return PERTURBATIONS.in_file(file)


def _apply_of(file: PluginFile, *values: object) -> Image.Image:
    """Call a file's kind, in whatever process or machine this is: the file's text came along."""
    return _kind_in(file).apply(*values)


def _harm_of(file: PluginFile, value: float) -> float:
    """Say the same of a value's harm."""
    harm = _kind_in(file).harm
    assert harm is not None
    return harm(value)


def _flaw(thing: object) -> str:
    """Say what is no kind of perturbation."""
    return guest_kinds.flaw(thing) if isinstance(thing, Kind) else "is no perturbations.kinds.Kind"


PERTURBATIONS: Registry[Kind] = Registry(
    "perturbation", "forenbench.perturbations", _flaw, {kind.name: kind for kind in KINDS}
)
