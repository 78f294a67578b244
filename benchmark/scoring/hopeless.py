"""Detectors that fail on everything, and are not tried on the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from forenbench.records.rows import ImageResult

from .batches import BATCH, CellResults

CellIndex = tuple[int, int]
"""Of a perturbation and a detector in the lineup."""
UNTRIED = "not scored: "
"""How the reasons of images begin that a stopped detector was not tried on."""


@dataclass(slots=True)
class Hopeless:
    """Who is stopped where: on a test set, or on all.

    A detector is stopped on a test set when it has failed on whole parts of it, of 32 images or more, and
    scored nothing there since; and on all test sets if it has scored nothing at all.

    Attributes:
        keep_going: Stop nobody.
    """

    keep_going: bool = False
    _failures: Counter[tuple[int | None, CellIndex]] = field(default_factory=Counter)
    _able: set[int] = field(default_factory=set)

    def learn(self, task: int, scored: CellResults) -> Iterator[tuple[CellIndex, ImageResult, bool]]:
        """See how a part of a test set went; yield who is stopped now, why, and whether on all test sets."""
        before = {place for place in scored if self.failures(task, place)}
        judged = {
            place: [one for one in found if one.status != "unreadable"] for place, found in scored.items()
        }
        self._able |= {place[1] for place, found in judged.items() if not _all_failed(found)}
        for place, found in judged.items():
            for where in (task, None):
                self._failures[where, place] += len(found)
            if not _all_failed(found):
                self._failures[task, place] = 0
            if place not in before and self.failures(task, place):
                yield place, found[0], place[1] not in self._able

    def failures(self, task: int, place: CellIndex) -> int:
        """Say after how many failures a detector was stopped on a test set; 0: it was not."""
        everywhere = 0 if place[1] in self._able else self._failures[None, place]
        failures = max(everywhere, self._failures[task, place])
        return failures if failures >= BATCH and not self.keep_going else 0


def _all_failed(found: Sequence[ImageResult]) -> bool:
    """Say whether a detector scored none of some images; with none to score, it did not fail."""
    return all(one.status == "failed" for one in found)
