"""Which cells a report draws: of one protocol, and of several perturbations the plainest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forenbench import tables
from forenbench.store import Store

_PLAIN = "none"


@dataclass(frozen=True, slots=True)
class Scored:
    """A finished cell: its record, and the run that keeps its rows."""

    store: Store
    record: Mapping[str, Any]

    @property
    def detector(self) -> tuple[str, str]:
        """Name and kind of weights, which together make one row of every table."""
        return self.record["cell"]["detector"], self.record["identity"]["kind"]

    @property
    def protocol(self) -> str:
        """The rule by which the images were chosen."""
        return tables.protocol_of(self.record)

    @property
    def dataset(self) -> str:
        """What its test set belongs to."""
        return str(self.record["cell"]["dataset"])

    @property
    def testset(self) -> str:
        """The generator, mostly."""
        return str(self.record["cell"]["testset"])

    @property
    def perturbation(self) -> str:
        """What was done to the images."""
        return str(self.record["cell"]["perturbation"])

    @property
    def threshold(self) -> float:
        """The detector's own; a score strictly above it means "generated"."""
        return float(self.record["identity"]["threshold"])


def newest(stores: Iterable[Store], protocol: str) -> list[Scored]:
    """List the cells of one protocol in the order of the runs, as `tables.measure` chooses them."""
    found = [Scored(store, record) for store, record in tables.newest(stores)]
    return [one for one in found if one.protocol == protocol]


def plainest(perturbations: Sequence[str]) -> str:
    """Choose the perturbation that curves and pictures are of: none where it was run, else the first."""
    return _PLAIN if _PLAIN in perturbations else perturbations[0]


def name_detectors(detectors: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name each (detector, kind of weights): the kind is told only where a detector has several."""
    every = list(dict.fromkeys(detectors))
    names = [name for name, _ in every]
    return {(name, kind): name if names.count(name) == 1 else f"{name} ({kind})" for name, kind in every}
