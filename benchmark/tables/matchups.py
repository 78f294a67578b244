"""The finished cells of runs, and which detectors are compared with which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.errors import BenchError
from forenbench.metrics.bootstrap import Floats
from forenbench.records.coverage import APART, judged, mark_counted
from forenbench.records.finished import Finished
from forenbench.records.measurements import Measurements
from forenbench.records.remembered import CellMetrics
from forenbench.records.store import Store

if TYPE_CHECKING:
    import pandas as pd

Name: TypeAlias = tuple[str, str]
"""A detector, and its kind of weights or its run."""


class LabelledScores(NamedTuple):
    """All images of a cell, in the order of the test set's digest; a score counts where it is `ok`.

    Where images without a score count as errors, each has one on the wrong side, and is `ok`.
    """

    labels: NDArray[np.int64]
    scores: Floats
    ok: NDArray[np.bool_]


@dataclass(frozen=True)
class Measured(Finished):
    """One finished cell of one run, with its metrics."""

    line: CellMetrics

    @property
    def images_of(self) -> tuple[str, str, str]:
        """Dataset, test set and perturbation."""
        return self.dataset, self.testset, self.perturbation

    @property
    def described(self) -> CellMetrics:
        """Its metrics beside the names of its dataset and test set, as in a frame of cells."""
        return {**self.line, "dataset": self.dataset, "testset": self.testset}

    def rows(self, columns: Sequence[str]) -> pd.DataFrame:
        """Read some columns, beside the label, of the rows that its metrics rest on."""
        return judged(self.store.rows(self.record, ["label", *columns]), self.line["tampered_as"])

    @cached_property
    def images(self) -> LabelledScores:
        """Its rows, read once for all comparisons."""
        # The same choice of images as behind the cell's metrics, or values and differences would not agree.
        rows = self.rows(["score", "status"])
        mark_counted(rows, self.line["failed_as"], [self.threshold])
        labels, scores = rows["label"].to_numpy(np.int64), rows["score"].to_numpy(np.float64)
        return LabelledScores(labels, scores, rows["counted"].to_numpy())


def by_detector(store: Store, failed_as: str, tampered_as: str = APART) -> dict[Name, list[Measured]]:
    """Measure a run's cells (see `Measurements`); a detector with two kinds of weights is two."""
    measurements = Measurements(store, False, failed_as, tampered_as)
    found: dict[Name, list[Measured]] = {}
    for record in store.records():
        (line,) = measurements.of(record)  # a cell has several only if measured by class
        one = Measured(store, record, line)
        found.setdefault(one.detector, []).append(one)
    measurements.save()
    return found


def pairs(
    runs: Sequence[Mapping[Name, list[Measured]]], wanted: Sequence[str]
) -> Iterator[tuple[str, list[Measured], str, list[Measured]]]:
    """Yield who is compared with whom.

    Args:
        runs: One or two, each as `by_detector` returns it.
        wanted: Only these detectors, in this order; none: all.

    Raises:
        BenchError: One of them is not there, or there is nothing to compare it with.
    """
    chosen = []
    for run in runs:
        missing = set(wanted) - {detector for detector, _ in run}
        if missing:
            raise BenchError(f"not in the run: {', '.join(sorted(missing))}; there is {_listed(run)}")
        names = sorted(run, key=lambda name: wanted.index(name[0]) if name[0] in wanted else -1)
        chosen.append({name: run[name] for name in names if not wanted or name[0] in wanted})
    if len(chosen) == 1:
        (run,) = chosen
        if len(run) < 2:
            raise BenchError(f"only {_listed(run)} is there; name another detector, or a second run")
        names = list(run)
        # All pairs of a dozen detectors are 66: who names some asks about the first of them.
        for at, one in enumerate(names[:1] if wanted else names):
            for other in names[at + 1 :]:
                yield _text(one), run[one], _text(other), run[other]
        return
    first, second = chosen
    both = [(name, name) for name in first if name in second]
    if len(first) == len(second) == 1:  # whatever they are called: a detector and its successor, say
        both = [(next(iter(first)), next(iter(second)))]
    if not both:
        raise BenchError(
            f"no detector is in both runs: {_listed(first)} in one, {_listed(second)} in the other"
        )
    for one, other in both:
        yield f"{_text(one)} [1]", first[one], f"{_text(other)} [2]", second[other]


def _listed(run: Mapping[Name, object]) -> str:
    return ", ".join(map(_text, run))


def _text(name: Name) -> str:
    return f"{name[0]} ({name[1]})"
