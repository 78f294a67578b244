"""Which detectors are installed, and what they say of themselves in files: no code of theirs is imported.

Beside a detector's module may lie a card of the same name: ``lgrad.toml`` beside ``lgrad.py``. Its table
``variants`` repeats the attribute of that name; ``bench check detector`` compares the two. Its table ``card``
states where the detector is from and how exact it is (see `forenbench.plugins.card_facts`).
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from forenbench.registry import Registry, uncallable
from forenbench.registry.guests import contained, reason

from .card_facts import CardFacts, card_facts

GROUP = "forenbench.detectors"


DETECTORS: Registry[Any] = Registry("detector", GROUP, uncallable)


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of an installed detector without its code.

    Attributes:
        name: As it is asked for.
        package: What provides it.
        variants: By the kind of their checkpoints; empty where no card says them.
        facts: What else the card states; None where it has no table ``card``.
        problem: Why it cannot be used, as far as that is known.
    """

    name: str
    package: str
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: CardFacts | None = None
    problem: str = ""


def cards() -> list[Card]:
    """Describe every installed detector, by name, from what lies beside its module."""
    found = []
    for entry in DETECTORS.entries().values():
        card = Card(entry.name, entry.package, problem=entry.problem)
        if not entry.problem:
            try:
                # Python imports the packages around a module to
                # find it: code of others, which may do anything.
                with contained():
                    module = entry.target.partition(":")[0]
                    spec = importlib.util.find_spec(module)
                    if spec is None:
                        raise ModuleNotFoundError(f"No module named '{module}'")
                    file = Path(spec.origin or "").with_suffix(".toml")
                    # A card is not asked for: without one, variants are seen once the module is imported.
                    if file.is_file():
                        said = tomllib.loads(file.read_text(encoding="utf-8"))
                        variants = {kind: tuple(map(str, names)) for kind, names in said["variants"].items()}
                        facts = card_facts(said["card"]) if "card" in said else None
                        card = replace(card, variants=variants, facts=facts)
            except Exception as error:
                card = replace(card, problem=reason(error))
        found.append(card)
    return found
