"""Detectors that fail on everything, and are not tried on the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from forenbench.records.rows import ImageResult

from .batches import BATCH, CellColumns, CellIndex

UNTRIED = "not scored: "
"""How the reasons of images begin that a stopped detector was not tried on."""


@dataclass(slots=True)
class Hopeless:
    """Which detectors are stopped, on which test sets.

    A detector is stopped on a test set when it has failed on whole shards of it, of 32 images or more, and
    scored nothing there since; and on all test sets if it has scored nothing at all.

    Attributes:
        keep_going: Stop none.
    """

    keep_going: bool = False
    # By task, and by None for all of them together.
    _failures: Counter[tuple[int | None, CellIndex]] = field(default_factory=Counter)
    _able: set[int] = field(default_factory=set)

    def learn(self, t: int, scored: CellColumns) -> Iterator[tuple[CellIndex, str, bool]]:
        """See how a shard of a test set went; yield who is stopped now, why, and whether on all test sets."""
        before = {index for index in scored if self.failures(t, index)}
        # An unreadable file says nothing of a detector. Of a shard that has no other, `_all_failed` is true,
        # for `all` of nothing is, but no failure is counted.
        judged = {
            index: [status for status in found["status"].to_pylist() if status != "unreadable"]
            for index, found in scored.items()
        }
        # First for all cells, for one that fails under some perturbation may have scored under another.
        self._able |= {d for (_, d), found in judged.items() if not _all_failed(found)}
        for index, found in judged.items():
            for where in (t, None):
                self._failures[where, index] += len(found)
            if not _all_failed(found):
                self._failures[t, index] = 0
            if index not in before and self.failures(t, index):
                why = scored[index]["error"][scored[index]["status"].index("failed").as_py()].as_py()
                yield index, why, index[1] not in self._able

    def failures(self, t: int, index: CellIndex) -> int:
        """Say after how many failures a detector was stopped on a test set; 0: it was not."""
        everywhere = 0 if index[1] in self._able else self._failures[None, index]
        failures = max(everywhere, self._failures[t, index])
        return failures if failures >= BATCH and not self.keep_going else 0

    def untried(self, t: int, index: CellIndex, images: int) -> list[ImageResult]:
        """Return the results of images that a stopped detector is not tried on; none where it is tried."""
        failures = self.failures(t, index)
        untried = ImageResult("failed", error=f"{UNTRIED}stopped after {failures} failures")
        return [untried] * images if failures else []


def _all_failed(found: Sequence[str]) -> bool:
    """Say of some images' statuses whether a detector scored none; with none to score, it did not fail."""
    return all(status == "failed" for status in found)
