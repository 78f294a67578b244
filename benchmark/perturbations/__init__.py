"""What happens to an image between its test set and a detector: ``parse("blur:1.5+jpeg:75")``.

`parse` knows the rows of `forenbench.perturbations.kinds.KINDS`, what packages and files add to them, and the
profiles of `forenbench.perturbations.suites` made from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from forenbench.draws import Draw
from forenbench.errors import BenchError, unknown
from forenbench.registry import Opened, Registry
from forenbench.registry.guests import reason
from forenbench.registry.plugin_files import PluginFile, read_plugin, split_request
from forenbench.types import Perturbation

from . import guest_kinds
from .chains import Chain, Step
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
    steps: list[Step] = []
    for part in text.split("+"):
        name, colon, _ = part.strip().lower().partition(":")
        profile = profiles().get(name)
        if profile and colon:
            raise BenchError(f"perturbation '{part}': {name} takes no value; write '{name}'")
        # Rows are kept under the chain: what a service does changes, and so may the chain of its name.
        steps += map(_parse_step, profile.chain.split("+") if profile else [part])
    # Without "none", a chain that does the same is not scored twice under two names.
    done = tuple(step for step in steps if step.kind.name != "none")
    return Perturbation("+".join(step.name for step in done) or "none", Chain(done))


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
    # sha256 gives the same number everywhere; Python's hash() of a text differs from process to process.
    digest = hashlib.sha256(f"{seed}\n{perturbation}\n{image_sha256}".encode()).digest()
    return Draw(np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big"))))


def _parse_step(text: str) -> Step:
    """Read one part of a chain: a kind by its name, name and version, or file, and its value."""
    # A path may hold capitals and a drive's colon, so files are looked for before anything is split.
    file, value = split_request(text)
    if file:
        plugin = read_plugin(file, "perturbation")
        kind = _kind_in(plugin)
        try:
            # A file's functions cannot be pickled, for its module exists in this process alone: readers get
            # the file's text, and run it for themselves.
            held = guest_kinds.held(kind, partial(_call_in, plugin, "apply"), plugin.sha256[:_DIGITS])
            kind = replace(held, harm=kind.harm and partial(_call_in, plugin, "harm"))
        except Exception as error:
            raise BenchError(f"perturbation '{plugin.path}' cannot be used: {reason(error)}") from error
    else:
        written, colon, after = text.strip().lower().partition(":")
        kind, value = _named(written), after if colon else None
    if lack := kind.lack():
        raise BenchError(f"perturbation '{text}' {lack}")
    if not kind.symbol:
        if value is not None:
            raise BenchError(f"perturbation '{text}': {kind.name} takes no value; write '{kind.name}'")
        return Step(kind, 0)
    try:
        # The number is part of the name that rows are kept under: plus zero, -0.0 becomes 0.0.
        number = kind.number(value or "") + 0
    except ValueError:
        number = kind.low - 1
    # NaN, which float() reads, is not between any two numbers.
    if not kind.low <= number <= kind.high:
        problem = "has a bad value" if value else "has no value"
        raise BenchError(
            f"perturbation '{text}' {problem}: write '{kind.syntax}', {kind.symbol} a {kind.range}"
        )
    return Step(kind, number)


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
    # Names in stored rows carry the version, and can be asked for again, but never under other code.
    if at and version != kind.version:
        there = f"version {kind.version} of {name} is installed" if found else f"{name} has no versions"
        raise BenchError(f"perturbation '{written}': {there}")
    return kind


@lru_cache
def _kind_in(file: PluginFile) -> Kind:
    """Run a file, once a process."""
    return PERTURBATIONS.in_file(file, Kind)


def _call_in(file: PluginFile, function: str, *values: object) -> Any:  # noqa: ANN401 - an image or a number
    """Call a function of a file's kind, in whatever process or machine this is."""
    return getattr(_kind_in(file), function)(*values)


PERTURBATIONS: Registry[Kind] = Registry(
    "perturbation",
    "forenbench.perturbations",
    # Here, for guest_kinds imports no kinds: the chain of imports would be eleven modules long.
    lambda thing: guest_kinds.flaw(thing) if isinstance(thing, Kind) else "is no perturbations.kinds.Kind",
    {kind.name: kind for kind in KINDS},
)
