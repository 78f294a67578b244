"""Installed plugins: names → what makes detectors, by the entry points of this and other packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from forenbench.errors import BenchError, unknown
from forenbench.registry import Opened
from forenbench.registry.guests import contained, reason
from forenbench.types import PUBLISHED, Detector
from forenbench.weights import KINDS, Checkpoint, Weights

from .cards import DETECTORS, cards

_MANY = 12
"""More names than a message lists."""


class Plugin(Protocol):
    """What a detector name resolves to: a class (or function) that makes the detector's variants.

    Attributes:
        variants: Every variant, by the kind of checkpoints ("published", "sample") it exists for.
        rows: The variants that a bare name means, in table order; of a kind without any, all of them.
        checkpoints: Every weights file that it may read.
        needs: The checkpoints that each variant reads, so that one can see what is missing before a run; a
            variant that is not named may need all of them.

    A detector without variants needs none of this: a class that is called without arguments will do. All but
    `variants` may be left out; `FoundPlugin` is the only place that looks for them.
    """

    variants: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, tuple[str, ...]]
    checkpoints: tuple[Checkpoint, ...]
    needs: Mapping[str, tuple[Checkpoint, ...]]

    def __call__(self, variant: str, weights: Weights) -> Detector:
        """Make one variant with its weights loaded."""
        ...


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """One installed plugin: its name, what provides it, and either the object or why it cannot be used."""

    name: str
    package: str
    plugin: Any = None
    problem: str = ""

    # A plain class without variants is a plugin as well, so that none of the attributes below need be there.
    @property
    def has_variants(self) -> bool:
        """Say whether it makes several detectors, by variant and weights."""
        return hasattr(self.plugin, "variants")

    def kinds(self) -> tuple[str, ...]:
        """List the kinds of checkpoints that there are variants for."""
        return tuple(self._said("variants"))

    def variants(self, kind: str) -> tuple[str, ...]:
        """List every variant that exists for this kind of checkpoints."""
        return tuple(self._said("variants").get(kind, ()))

    def rows(self, kind: str) -> tuple[str, ...]:
        """List the variants that the bare name means."""
        return tuple(self._said("rows").get(kind, self.variants(kind)))

    def read(self, request: str, kind: str) -> tuple[tuple[str, ...], str]:
        """Read a request for it, such as ``lgrad:nearest-gan@sample``.

        Args:
            request: Begins with its name.
            kind: Of checkpoints, where the request says none.

        Returns:
            The variants that are meant, none if it has none; and the kind.

        Raises:
            BenchError: It cannot be used, or there is no such variant or kind.
        """
        if self.problem:
            raise BenchError(f"detector '{self.name}' ({self.package}) cannot be used: {self.problem}")
        asked, at, named = request.partition("@")
        _, colon, variant = asked.partition(":")
        if not self.has_variants:
            if colon or at:
                raise BenchError(
                    f"detector '{self.name}' has no variants, so '{request}' means nothing; ask for "
                    f"'{self.name}'"
                )
            return (), kind
        if at and named not in KINDS:
            raise BenchError(unknown(f"kind of checkpoints of '{asked}'", named, KINDS))
        kind = named if at else kind
        return self.chosen(variant, kind), kind

    def chosen(self, variant: str, kind: str) -> tuple[str, ...]:
        """Resolve a variant, or the bare name's rows where it is empty, for this kind of checkpoints.

        Raises:
            BenchError: There is no such variant, or none at all, of this kind; it says of which.
        """
        known = self.variants(kind)
        if not known:
            others = " or ".join(f"{self.name}@{other}" for other in self.kinds())
            raise BenchError(f"detector '{self.name}' has no {kind} checkpoints; ask for {others}")
        if variant and variant not in known:
            elsewhere = [other for other in self.kinds() if variant in self.variants(other)]
            hint = f" (or ask for {self.name}:{variant}@{elsewhere[0]})" if elsewhere else ""
            what = f"variant of '{self.name}' with {kind} checkpoints"
            listing = "bench list detectors" if len(known) > _MANY else ""
            raise BenchError(unknown(what, variant, known, listing) + hint)
        return (variant,) if variant else self.rows(kind)

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """List the weights files this plugin may need."""
        return tuple(getattr(self.plugin, "checkpoints", ()))

    def needs(self, variant: str) -> tuple[Checkpoint, ...]:
        """List the weights files that one variant reads; all, where the plugin does not say."""
        return tuple(self._said("needs").get(variant, self.checkpoints))

    def users(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """List the variants that are known to read a weights file; none where all of them do."""
        needs = self._said("needs")
        users = tuple(variant for variant, needed in needs.items() if checkpoint in needed)
        # The detector's name alone says "all of them", in one word instead of dozens.
        return () if len(users) == len(needs) else users

    def _said(self, attribute: str) -> Mapping[str, Any]:
        """Return one of the mappings that a plugin may leave out."""
        said: Mapping[str, Any] = getattr(self.plugin, attribute, {})
        return said


def find(name: str) -> FoundPlugin:
    """Find an installed plugin by its entry point name.

    Raises:
        BenchError: No such plugin; similar names are suggested.
    """
    return _found(DETECTORS.find(name))


def installed(*, stated: bool = True) -> list[FoundPlugin]:
    """Import every installed plugin, also those that cannot be used (see `cards`).

    Args:
        stated: Also those whose card says what they need.
    """
    if stated:
        return [_found(opened) for opened in DETECTORS.added()]
    entries = DETECTORS.entries()
    return [_found(DETECTORS.open(entries[one.name])) for one in cards() if not (one.needs or one.problem)]


class InstalledCheckpoints:
    """The checkpoints of all installed plugins, which are imported only once somebody goes through them."""

    def __iter__(self) -> Iterator[Checkpoint]:
        """Import every installed plugin."""
        return (checkpoint for found in installed() for checkpoint in found.checkpoints)


def card_problem(name: str) -> str:
    """Say where a detector's card differs from its code; empty where it does not, or there is no card."""
    card = next((card for card in cards() if card.name == name and card.variants), None)
    if card is None:
        return ""
    found = find(name)
    said = {kind: found.variants(kind) for kind in found.kinds()}
    # In this order, with nothing left out on either side: both lists are printed, and shall be the same one.
    unlike = [kind for kind in {**said, **card.variants} if said.get(kind) != card.variants.get(kind)]
    if unlike:
        return f"the card lists other {unlike[0]} variants than the class"
    stated = FoundPlugin(card.name, card.package, card)
    if unlike := [kind for kind in said if stated.rows(kind) != found.rows(kind)]:
        return f"the card lists other {unlike[0]} rows than the class"
    for variant in said.get(PUBLISHED, ()) if card.needs else ():
        # By it one is told what is missing before any code runs: a name too few would promise a run.
        names = [{one.name for one in each.needs(variant)} for each in (stated, found)]
        if variant not in card.needs or names[0] != names[1]:
            return f"the card lists other checkpoints that '{variant}' needs than the class"
    return ""


def by_cards() -> dict[str, FoundPlugin]:
    """List every installed detector as its card states it, by name; none of their code is imported.

    Of one whose card says no variants nothing is known: it has no plugin.
    """
    return {
        one.name: FoundPlugin(one.name, one.package, one if one.variants else None, one.problem)
        for one in cards()
    }


def _found(opened: Opened[Any]) -> FoundPlugin:
    """Check what a plugin says of itself: a table of variants that cannot be read is as bad as no plugin."""
    found = FoundPlugin(opened.entry.name, opened.entry.package, opened.thing, opened.problem)
    # All of it is read once, here: no list of detectors, of
    # weights or of what is missing has to expect errors then.
    try:
        with contained():
            for kind in (*KINDS, *found.kinds()):
                for variant in (*found.rows(kind), *found.variants(kind)):
                    found.needs(variant)
            iter(found.checkpoints)
    except Exception as error:
        return FoundPlugin(found.name, found.package, problem=reason(error))
    return found
