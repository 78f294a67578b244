"""What is run on every test set: detectors under perturbations, and what prepares images for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forenbench.types import Detector, Perturbation

from .batches import Todo
from .calls import distinct_prepares


@dataclass(frozen=True, slots=True)
class Lineup:
    """What is run on every test set: detectors under perturbations.

    Attributes:
        detectors: All of a run.
        perturbations: In table order.
        seed: Of random perturbations.
    """

    detectors: Sequence[Detector]
    perturbations: Sequence[Perturbation]
    seed: int = 0

    def prepares(self) -> list[int]:
        """Say which distinct `prepare` each detector has."""
        return distinct_prepares(self.detectors)[1]

    def wanted(self, todo: Todo) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Say which prepares are wanted under each perturbation."""
        prepares = self.prepares()
        return tuple((p, tuple(sorted({prepares[d] for d in detectors}))) for p, detectors in todo)
