"""Perturbations with a name of their own: suites (``paper:lgrad-4``) and laundering profiles (``whatsapp``).

Both are read from ``perturbations.toml``, each with its source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from forenbench.errors import BenchError, unknown


@dataclass(frozen=True, slots=True)
class Profile:
    """What a service does to a picture that passes through it, as somebody reported it.

    Attributes:
        name: As in ``bench run --perturbations NAME``, alone or within a chain.
        chain: The perturbation that it stands for, and under whose name rows are kept.
        source: Who reported it.
        date: When, as year and month.
    """

    name: str
    chain: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class PerturbationSuite:
    """A list of perturbations.

    Attributes:
        name: As in ``bench run --perturbations NAME``: ``paper:…`` or ``field:…``.
        perturbations: Canonical names, or names of profiles, in order.
        source: Where they are tested, and what of them is our choice.
    """

    name: str
    perturbations: tuple[str, ...]
    source: str


@cache
def profiles() -> Mapping[str, Profile]:
    """Read the laundering profiles, by name."""
    return {name: Profile(name, **entry) for name, entry in _read()["profiles"].items()}


@cache
def suites() -> Mapping[str, PerturbationSuite]:
    """Read the suites, by name."""
    return {
        name: PerturbationSuite(name, tuple(entry["perturbations"]), entry["source"])
        for name, entry in _read()["suites"].items()
    }


def expand(texts: Iterable[str]) -> list[str]:
    """Replace every suite by its perturbations; other texts stay as they are.

    Raises:
        BenchError: No suite has this name.
    """
    expanded: list[str] = []
    for text in texts:
        # "paper:x" is a suite that is not there rather than a kind "paper" with a bad value.
        name = text.strip().lower()
        if name.partition(":")[0] not in {suite.partition(":")[0] for suite in suites()}:
            expanded.append(text)
        elif name in suites():
            expanded += suites()[name].perturbations
        else:
            raise BenchError(unknown("suite of perturbations", name, suites()))
    return expanded


def _read() -> dict[str, dict[str, dict[str, str]]]:
    """Read the file."""
    return tomllib.loads(
        (files("forenbench.perturbations") / "perturbations.toml").read_text(encoding="utf-8")
    )
