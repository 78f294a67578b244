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
                        weights = file.with_name("weights.toml")
                        listed = weights.read_text(encoding="utf-8") if weights.is_file() else ""
                        card = _card(card.name, card.package, file.read_text(encoding="utf-8"), listed)
            except Exception as error:
                card = replace(card, problem=reason(error))
        found.append(card)
    return found


# By what files hold, not by when they were written: one command asks for all cards seven times.
@cache
def _card(detector: str, package: str, text: str, weights: str) -> Card:
    said = tomllib.loads(text)
    how = f"'bench weights list --detector {detector}' says how"  # the code alone knows it
    known = {
        **_catalogue(weights),
        **{
            Path(file).stem: Checkpoint(Path(file).stem, file, "your own training", "yours", command=how)
            for file in said.get("trained", ())
        },
        **{one: Checkpoint(one, "", "", "", shipped=True) for one in said.get("shipped", ())},
    }
    for one in (one for names in said.get("needs", {}).values() for one in names):
        if one not in known:
            raise BenchError(unknown("checkpoint of a card", one, known, "bench list weights"))
    return Card(
        detector,
        package,
        variants={kind: tuple(map(str, names)) for kind, names in said["variants"].items()},
        rows={kind: tuple(map(str, names)) for kind, names in said.get("rows", {}).items()},
        needs={variant: tuple(known[one] for one in read) for variant, read in said.get("needs", {}).items()},
        checkpoints=tuple(known.values()),
        facts=card_facts(said["card"]) if "card" in said else None,
    )


@cache  # cards of one folder share a catalogue
def _catalogue(text: str) -> Mapping[str, Checkpoint]:
    return {name: Checkpoint.of(name, said) for name, said in tomllib.loads(text).items()}
