"""Finished cells: what a run's records say of them, and which of several runs' count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from forenbench.errors import BenchError

from .store import ROWS_SEAL, Store

_UNSEALED = "rows were stored without a digest, as earlier versions did: damage to them goes unnoticed"


@dataclass(frozen=True)
class Finished:
    """A finished cell.

    Attributes:
        store: The run that keeps its rows.
        record: What made them.
    """

    store: Store
    record: Mapping[str, Any]

    @property
    def detector(self) -> tuple[str, str]:
        """Name and kind of weights, which together make one row of every table."""
        return self.record["cell"]["detector"], self.record["identity"]["kind"]

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
    def protocol(self) -> str:
        """The rule by which its images were chosen; runs before there was a choice took all."""
        return str(self.record["made"].get("protocol", "all"))

    @property
    def remarks(self) -> list[str]:
        """What a reader must know of how its rows were made and stored."""
        return [*self.record["made"].get("notes", []), *([] if ROWS_SEAL in self.record else [_UNSEALED])]

    @property
    def threshold(self) -> float:
        """The detector's own; a score strictly above it means "generated"."""
        return float(self.record["identity"]["threshold"])


def newest(stores: Iterable[Store]) -> list[Finished]:
    """List the finished cells of runs in their order; where two runs hold one, the newer one counts.

    Cells are the same where their names, their kind of weights and their protocol are.

    Raises:
        BenchError: There is none.
    """
    found: dict[tuple[str, ...], Finished] = {}
    roots = []
    for store in stores:
        roots.append(str(store.root))
        for one in (Finished(store, record) for record in store.records()):
            key = (*one.detector, one.dataset, one.testset, one.perturbation, one.protocol)
            if key not in found or found[key].record["made"]["time"] < one.record["made"]["time"]:
                found[key] = one
    if not found:
        raise BenchError(f"no finished cell in {', '.join(roots)}; 'bench run' makes some")
    return list(found.values())
