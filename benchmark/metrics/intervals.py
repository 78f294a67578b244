"""Every metric of a cell with its bootstrap replicates and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forenbench.files.threads import in_threads
from forenbench.types import FAKE, REAL

from . import calibration, counts
from . import classification as metrics
from .bootstrap import BLOCKS, STEPS, Floats, Strata, resample
from .counts import Counts
from .metric import (
    AUTHOR,
    FITTED,
    ORACLE,
    DecisionMetric,
    Metric,
    ProbabilityMetric,
)
from .metric_catalogue import METRICS
from .metric_values import decide, decide_each, judge, rank, rank_each, rows, why_none
from .spread import NONE, interval, witnesses

_FEW = 1000
"""Images up to which threads cost more than they save."""


@dataclass(frozen=True)
class ScoredImages:
    """The scored images of a cell, or of a part of it.

    Attributes:
        labels: 0 or 1 (n,).
        scores: Finite (n,).
        logits: Raw values (n,), or None where the detector has none.
        threshold: Its author's.
        fitted: One that was fitted on other images, or None.
    """

    labels: NDArray[np.int64]
    scores: Floats
    logits: Floats | None
    threshold: float
    fitted: float | None = None

    @cached_property
    def no_probabilities(self) -> str:
        """Say why the scores are not probabilities; empty if they are."""
        return calibration.why_no_probabilities(self.scores, self.threshold)

    @cached_property
    def oracle(self) -> float:
        """The threshold that UnivFD's search finds on these very images."""
        order = metrics.reals_first(self.labels)
        return metrics.best_threshold(self.labels[order], self.scores[order])

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by its column in tables, NaN where it is undefined."""
        found = rank(self.labels, self.scores)
        found |= decide(self.labels, self.scores, self.threshold)
        found |= self._decided(self.fitted, FITTED) | self._decided(self.oracle, ORACLE)
        if self.no_probabilities:
            return found | _undefined(ProbabilityMetric)
        return found | judge(self.labels, self.scores, self.logits)

    def _decided(self, threshold: float | None, by: str) -> dict[str, float]:
        if threshold is None or np.isnan(threshold):
            return _undefined(DecisionMetric, by)
        return decide(self.labels, self.scores, threshold, by)


def _undefined(kind: type[Metric], by: str = AUTHOR) -> dict[str, float]:
    return dict.fromkeys((row.name for row in rows(kind, by)), float("nan"))


def replicates(scored: ScoredImages, drawn: Strata, rows: NDArray[np.intp]) -> dict[str, Floats]:
    """Resample a cell.

    Scores of cells with more than `STEPS` different ones are put into about that many steps; what that
    changes in the metrics themselves is taken off the replicates again.

    Args:
        scored: Its scored images.
        drawn: All its images.
        rows: The places of the scored ones among all.

    Returns:
        The replicates of every metric that is defined and may have an interval, by its column.
    """
    if not scored.labels.size:
        return {}
    steps = _Steps.of(scored)
    step_of = np.full(len(drawn.real.places) + len(drawn.fake.places), -1)
    step_of[rows] = steps.place
    draw = partial(resample, drawn, step_of, len(steps.edges))
    each = in_threads if len(step_of) > _FEW else map
    parts = list(each(lambda block: steps.measure(draw(block)), range(BLOCKS)))
    once = steps.measure([steps.once()])
    return {
        name: _shifted(name, np.concatenate([part[name] for part in parts]), scored.metrics[name] - exact)
        for name, (exact,) in once.items()
        if np.isfinite(scored.metrics[name])
    }


def _shifted(name: str, values: Floats, by: float) -> Floats:
    return np.clip(values + by, *METRICS[name].bounds)


def ends(made: Mapping[str, Floats], found: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Name the ends of every interval, as ``<metric>_low`` and ``<metric>_high``.

    Args:
        made: The replicates of each metric.
        found: Of the images themselves, as `why_none` wants it.
    """
    for name, values in made.items():
        known = not why_none(name, found)
        bounds = METRICS[name].bounds
        low, high = interval(values, found[name], witnesses([found]), bounds) if known else NONE
        yield f"{name}_low", low
        yield f"{name}_high", high


@dataclass(frozen=True)
class _Steps:
    """Scored images by step of the score.

    Attributes:
        scored: The images.
        edges: The highest score of each step, rising; all thresholds are among them.
        place: The step of each image.
    """

    scored: ScoredImages
    edges: Floats
    place: NDArray[np.intp]

    @classmethod
    def of(cls, scored: ScoredImages) -> _Steps:
        """Find the steps."""
        distinct = np.unique(scored.scores)
        if len(distinct) > STEPS:
            distinct = _coarse(*(np.sort(scored.scores[scored.labels == label]) for label in (REAL, FAKE)))
        cuts = [scored.threshold, *([] if scored.fitted is None else [scored.fitted])]
        edges = np.unique(np.concatenate([distinct, cuts, [scored.scores.max()]]))
        return cls(scored, edges, np.searchsorted(edges, scored.scores, side="left"))

    def once(self) -> Counts:
        """Count the images as they are."""
        sides = [self.place[self.scored.labels == label] for label in (REAL, FAKE)]
        real, fake = (np.bincount(side, minlength=len(self.edges))[None].astype(float) for side in sides)
        return Counts(real, fake)

    def measure(self, block: Iterable[Counts]) -> dict[str, Floats]:
        """Return every metric of a block of replicates."""
        found = [dict(self._measure(one)) for one in block]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}

    def _measure(self, drawn: Counts) -> Iterator[tuple[str, Floats]]:
        if not metrics.why_undefined(self.scored.labels):
            yield from rank_each(drawn).items()
        cuts = {AUTHOR: self.scored.threshold, FITTED: self.scored.fitted}
        for by, threshold in cuts.items():
            if threshold is not None:
                yield from decide_each(drawn, self._above(threshold), by).items()
        for name, values in self._losses.items():
            yield name, counts.mean_of(drawn, *values)

    @cached_property
    def _losses(self) -> dict[str, tuple[Floats, Floats]]:
        """Average what images add to a metric over each step, unless one adds infinitely much."""
        one = self.scored
        if one.no_probabilities:
            return {}
        images = calibration.Probabilities(one.labels, one.scores, one.logits)
        losses = {row.name: row.losses(images) for row in rows(ProbabilityMetric) if row.losses}
        return {name: self._means(each) for name, each in losses.items() if np.isfinite(each).all()}

    def _means(self, values: Floats) -> tuple[Floats, Floats]:
        """Average something over each step's real and fake images; 0 where there are none."""
        real, fake = (self._mean(values, self.scored.labels == label) for label in (REAL, FAKE))
        return real, fake

    def _mean(self, values: Floats, side: NDArray[np.bool_]) -> Floats:
        number = np.bincount(self.place[side], minlength=len(self.edges))
        total = np.bincount(self.place[side], values[side], minlength=len(self.edges))
        return total / np.maximum(number, 1)

    def _above(self, threshold: float) -> int:
        """Return the first step that a threshold calls fake; it is an edge."""
        return int(np.searchsorted(self.edges, threshold, side="left")) + 1


def _coarse(real: Floats, fake: Floats) -> Floats:
    """Choose about `STEPS` of the scores, so that a label with few images is told from the other exactly.

    Half of the steps go to either label. Below each of those of the label with fewer images comes the highest
    score of the other: what lies between two neighbours is then never tied with them.
    """
    few, many = sorted((real, fake), key=len)
    own = calibration.equal_mass(few, STEPS // 2)
    below = many[np.maximum(np.searchsorted(many, own) - 1, 0)]
    return np.concatenate([own, below, calibration.equal_mass(many, STEPS // 2)])
