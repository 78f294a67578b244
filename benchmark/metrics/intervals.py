"""Every metric of a cell with its bootstrap replicates and its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forenbench.files.forked import is_forked
from forenbench.files.threads import in_threads
from forenbench.types import FAKE, REAL

from . import calibration, counts
from . import classification as metrics
from .added_metrics import Problems, answers
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
"""Images up to which threads cost more than they save: a block of so few takes a few milliseconds."""


@dataclass(frozen=True)
class ScoredImages:
    """The scored images of a cell, or of a part of it.

    Attributes:
        labels: 0 or 1 (n,).
        scores: Finite (n,).
        logits: Raw values (n,), or None where the detector has none.
        threshold: Its author's.
        fitted: One that was fitted on other images, or None.
        problems: Why added metrics have no value, or no interval, by column; filled as they are asked.
    """

    labels: NDArray[np.int64]
    scores: Floats
    logits: Floats | None
    threshold: float
    fitted: float | None = None
    problems: Problems = field(default_factory=dict)

    @cached_property
    def no_probabilities(self) -> str:
        """Say why the scores are not probabilities; empty if they are."""
        return calibration.why_no_probabilities(self.scores, self.threshold)

    @cached_property
    def oracle(self) -> float:
        """The threshold that UnivFD's search finds on these very images."""
        # The search depends on the order of images, and a row's order says nothing of UnivFD's loader.
        order = metrics.reals_first(self.labels)
        return metrics.best_threshold(self.labels[order], self.scores[order])

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric by its column in tables, NaN where it is undefined."""
        found = rank(self.labels, self.scores, self.problems)
        found |= decide(self.labels, self.scores, self.threshold, AUTHOR, self.problems)
        found |= self._decided(self.fitted, FITTED) | self._decided(self.oracle, ORACLE)
        if self.no_probabilities:
            return found | _undefined(ProbabilityMetric)
        return found | judge(self.labels, self.scores, self.logits, AUTHOR, self.problems)

    def _decided(self, threshold: float | None, by: str) -> dict[str, float]:
        if threshold is None or np.isnan(threshold):
            return _undefined(DecisionMetric, by)
        return decide(self.labels, self.scores, threshold, by, self.problems)


def _undefined(kind: type[Metric], by: str = AUTHOR) -> dict[str, float]:
    return dict.fromkeys((row.name for row in rows(kind, by)), float("nan"))


def replicates(scored: ScoredImages, drawn: Strata, rows: NDArray[np.intp]) -> dict[str, Floats]:
    """Resample a cell.

    Scores of cells with more than `STEPS` different ones are put into about that many steps; what that
    changes in the metrics themselves is taken off the replicates again.

    Args:
        scored: Its scored images.
        drawn: All its images.
        rows: Indices of the scored ones among all (n,).

    Returns:
        The replicates of every metric that is defined and may have an interval, by its column.
    """
    if not scored.labels.size:
        return {}
    steps = _Steps.of(scored)
    step_of = np.full(len(drawn.real.places) + len(drawn.fake.places), -1)
    step_of[rows] = steps.number
    draw = partial(resample, drawn, step_of, len(steps.edges))
    # Threads help because NumPy lets go of the interpreter while it draws and sums.
    each = in_threads if len(step_of) > _FEW and not is_forked() else map
    blocks = list(each(lambda block: steps.measure(draw(block)), range(BLOCKS)))
    found = {}
    for name, (coarse,) in steps.measure([steps.once]).items():
        exact = scored.metrics[name]
        if np.isfinite(exact):
            # The images themselves, counted by step, show what the steps change: nothing where these are
            # exact. Clipped, for a shifted replicate may lie outside the metric's range.
            values = np.concatenate([block[name] for block in blocks]) + (exact - coarse)
            found[name] = np.clip(values, *METRICS[name].bounds)
    return found


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
        edges: The highest score of each step, rising; all thresholds are among them (steps,).
        number: The step of each image (n,).
        once: Each image counted once: a single replicate.
        losses: By metric, its values (replicates,) of what each step's real and fake images add to it on
            average; without the metrics to which an image adds infinitely much.
    """

    scored: ScoredImages
    edges: Floats
    number: NDArray[np.intp]
    once: Counts
    losses: Mapping[str, Callable[[Counts], Floats]]

    @classmethod
    def of(cls, scored: ScoredImages) -> _Steps:
        """Find the steps."""
        distinct = np.unique(scored.scores)
        if len(distinct) > STEPS:
            distinct = _coarse(*(np.sort(scored.scores[scored.labels == label]) for label in (REAL, FAKE)))
        # A threshold within a step would call half of it fake; the highest score is an edge because
        # searchsorted would put it behind the last step.
        cuts = [scored.threshold, *([] if scored.fitted is None else [scored.fitted])]
        edges = np.unique(np.concatenate([distinct, cuts, [scored.scores.max()]]))
        number = np.searchsorted(edges, scored.scores, side="left")
        is_real, is_fake = scored.labels == REAL, scored.labels == FAKE
        real, fake = (np.bincount(number[side], minlength=len(edges)) for side in (is_real, is_fake))
        losses = {}
        if not scored.no_probabilities:
            images = calibration.Probabilities(scored.labels, scored.scores, scored.logits)
            for row in rows(ProbabilityMetric):
                if not row.losses:
                    continue
                each = answers(row, row.losses, images, len(scored.labels), scored.problems)
                if np.isfinite(each).all():
                    of_real = np.bincount(number[is_real], each[is_real], len(edges))
                    of_fake = np.bincount(number[is_fake], each[is_fake], len(edges))
                    means = of_real / np.maximum(real, 1), of_fake / np.maximum(fake, 1)
                    mean = counts.mean_of_labels if row.balanced else counts.mean_of
                    losses[row.name] = partial(mean, real=means[0], fake=means[1])
        return cls(scored, edges, number, Counts(real[None].astype(float), fake[None].astype(float)), losses)

    def measure(self, block: Iterable[Counts]) -> dict[str, Floats]:
        """Return every metric of a block of replicates."""
        both = not metrics.why_undefined(self.scored.labels)
        cuts = {AUTHOR: self.scored.threshold, FITTED: self.scored.fitted}
        found = []
        for drawn in block:
            values = rank_each(drawn, self.scored.problems) if both else {}
            for by, threshold in cuts.items():
                if threshold is not None:
                    # The threshold is an edge, and what is equal to it is called real: fakes begin behind it.
                    first = int(np.searchsorted(self.edges, threshold, side="left")) + 1
                    values |= decide_each(drawn, first, by, self.scored.problems)
            values |= {name: mean(drawn) for name, mean in self.losses.items()}
            found.append(values)
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _coarse(real: Floats, fake: Floats) -> Floats:
    """Choose about `STEPS` of the scores, so that a label with few images is told from the other exactly.

    Half of the steps go to either label. Below each of those of the label with fewer images comes the highest
    score of the other: what lies between two neighbours is then never tied with them.
    """
    few, many = sorted((real, fake), key=len)
    # Of 300 fakes beside 100,000 reals, steps by all scores alike would leave the fakes some three steps.
    own = calibration.equal_mass(few, STEPS // 2)
    below = many[np.maximum(np.searchsorted(many, own) - 1, 0)]
    return np.concatenate([own, below, calibration.equal_mass(many, STEPS // 2)])
