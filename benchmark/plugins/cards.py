"""Which detectors are installed, and what they say of themselves in files: no code of theirs is imported.

Beside a detector's module may lie a card of the same name: ``lgrad.toml`` beside ``lgrad.py``. Its table
``variants`` repeats the attribute of that name, and so do ``rows`` and ``needs``, the latter by names of
checkpoints; ``bench check detector`` compares them. Its table ``card`` states where the detector is from and
how exact it is (see `forenbench.plugins.card_facts`). Published checkpoints stand in ``weights.toml`` in the
same folder; the card's list ``trained`` has the files of those that users train, and ``shipped`` the names of
those that come with a package.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from forenbench.errors import BenchError, unknown
from forenbench.registry import Registry, uncallable
from forenbench.registry.guests import contained, reason
from forenbench.weights.checkpoint import Checkpoint

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
        rows: The variants that the bare name means, by kind; of a kind that is not named, all.
        needs: The published checkpoints that each variant reads, as far as the card says it.
        checkpoints: Every one that the card, or the catalogue beside it, names.
    """

    name: str
    package: str
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: CardFacts | None = None
    problem: str = ""
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: Mapping[str, tuple[Checkpoint, ...]] = field(default_factory=dict)
    checkpoints: tuple[Checkpoint, ...] = ()


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
                        card = _read(card, file)
            except Exception as error:
                card = replace(card, problem=reason(error))
        found.append(card)
    return found


def _read(card: Card, file: Path) -> Card:
    said = _parsed(file.read_text(encoding="utf-8"))
    known = {
        **_catalogue(file.with_name("weights.toml")),
        **{Path(name).stem: _trained(card.name, name) for name in said.get("trained", ())},
        **{name: Checkpoint(name, "", "", "", shipped=True) for name in said.get("shipped", ())},
    }
    for name in (name for names in said.get("needs", {}).values() for name in names):
        if name not in known:
            raise BenchError(unknown("checkpoint of a card", name, known, "bench list weights"))
    return replace(
        card,
        variants={kind: tuple(map(str, names)) for kind, names in said["variants"].items()},
        rows={kind: tuple(map(str, names)) for kind, names in said.get("rows", {}).items()},
        needs={name: tuple(known[one] for one in read) for name, read in said.get("needs", {}).items()},
        checkpoints=tuple(known.values()),
        facts=card_facts(said["card"]) if "card" in said else None,
    )


def _catalogue(file: Path) -> Mapping[str, Checkpoint]:
    if not file.is_file():
        return {}
    tables = _parsed(file.read_text(encoding="utf-8"))
    return {name: Checkpoint.of(name, said) for name, said in tables.items()}


@cache  # cards are asked for several times, and those of one folder share a catalogue
def _parsed(text: str) -> Mapping[str, Any]:
    return tomllib.loads(text)


def _trained(detector: str, file: str) -> Checkpoint:
    """Describe what users train; how is known to the code alone."""
    command = f"'bench weights list --detector {detector}' says how"
    return Checkpoint(Path(file).stem, file, "your own training", "yours", command=command)
