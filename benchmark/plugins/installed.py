"""Installed plugins: names → what makes detectors, by the entry points of this and other packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from forenbench.errors import BenchError, unknown
from forenbench.types import Detector
from forenbench.weights import KINDS, Checkpoint, Weights

from .guests import contained, reason

GROUP = "forenbench.detectors"


class Plugin(Protocol):
    """What a detector name resolves to: a class (or function) that makes the detector's variants.

    Attributes:
        variants: Every variant, by the kind of checkpoints ("published", "sample") it exists for.
        rows: The variants that a bare name means, in table order; without it, all of them.
        needs: The checkpoints that each variant reads, so that one can see what is missing before a run.

    A detector without variants needs none of this: a class that is called without arguments will do.
    """

    variants: Mapping[str, tuple[str, ...]]
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

    def variants(self, kind: str) -> tuple[str, ...]:
        """List every variant that exists for this kind of checkpoints."""
        return tuple(getattr(self.plugin, "variants", {}).get(kind, ()))

    def rows(self, kind: str) -> tuple[str, ...]:
        """List the variants that the bare name means."""
        return tuple(getattr(self.plugin, "rows", {}).get(kind, self.variants(kind)))

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """List the weights files this plugin may need."""
        return tuple(getattr(self.plugin, "checkpoints", ()))


def find(name: str) -> FoundPlugin:
    """Find an installed plugin by its entry point name.

    Raises:
        BenchError: No such plugin; similar names are suggested.
    """
    entries = _entries()
    if name not in entries:
        raise BenchError(unknown("detector", name, entries))
    return _open(entries[name])


def installed() -> list[FoundPlugin]:
    """List every installed plugin, also those that cannot be used."""
    return [_open(entry) for _, entry in sorted(_entries().items())]


def _entries() -> dict[str, EntryPoint]:
    """Collect entry points by name, refusing two different ones under one name."""
    entries: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        same = entries.setdefault(entry.name, entry)
        if same.value != entry.value:
            raise BenchError(
                f"two packages provide a detector '{entry.name}': {same.value} and {entry.value}; "
                "uninstall one"
            )
    return entries


def _open(entry: EntryPoint) -> FoundPlugin:
    """Import a plugin; a broken third-party package must not take the others down."""
    package = entry.dist.name if entry.dist else entry.value
    try:
        with contained():
            found = FoundPlugin(entry.name, package, entry.load())
            for kind in KINDS:  # a table of variants that cannot be read is as bad
                found.rows(kind)
            iter(found.checkpoints)
            return found
    except Exception as error:
        return FoundPlugin(entry.name, package, problem=reason(error))
