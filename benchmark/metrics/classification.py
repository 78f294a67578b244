"""How well scores tell fake images from real ones: pure functions of (label, score).

Labels are integers, 0 = real and 1 = fake; scores are finite floats, higher = more likely fake, used in
float64. A metric that the images leave undefined is NaN, never 0 or 0.5; `why_undefined` says why.
What each one means is in docs/metrics.md; those of decisions are in `decisions`, those that judge
probabilities in `calibration`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

from . import decisions
from .decisions import Decisions

Labels: TypeAlias = NDArray[np.integer[Any]]
Scores: TypeAlias = NDArray[np.floating[Any]]


def why_undefined(labels: Labels) -> str:
    """Say which images are missing for metrics that compare real with fake; empty if none are."""
    has_real, has_fake = np.any(labels == REAL), np.any(labels == FAKE)
    if not (has_real or has_fake):
        return "no images"
    if not has_real:
        return "no real images"
    return "" if has_fake else "no fake images"


def average_precision(labels: Labels, scores: Scores) -> float:
    """Return the area below the precision-recall steps in [0, 1], with equal scores as one step.

    Ties count: give the scores that the papers' procedure gives (a float32 sigmoid), not raw logits.
    """
    return Ranked.of(labels, scores).average_precision()


def auroc(labels: Labels, scores: Scores) -> float:
    """Return the probability in [0, 1] that a fake outscores a real image; a tie counts one half."""
    return Ranked.of(labels, scores).auroc()


class Roc(NamedTuple):
    """Shares of images called fake, at every threshold from above all scores down; equal scores are one step.

    Attributes:
        fpr: False positive rates; rising from 0 to 1. Empty where a label is missing.
        tpr: True positive rates.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]

    def area(self) -> float:
        """Return the area below it, by straight lines between its points."""
        return float((np.diff(self.fpr) * (self.tpr[1:] + self.tpr[:-1]) / 2).sum())


def equal_error_rate(curve: Roc) -> float:
    """Return where as many reals are called fake as fakes missed, on straight lines between thresholds."""
    fpr, tpr = curve
    if not tpr.size:
        return math.nan
    # From -1, where nothing is called fake, to 1: there is a first step that is not below 0, and one before.
    excess = fpr - (1 - tpr)
    after = int(np.argmax(excess >= 0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    return float(fpr[after - 1] + share * (fpr[after] - fpr[after - 1]))


def tpr_at(curve: Roc, limit: float) -> float:
    """Return the largest true positive rate of a threshold with at most a false positive rate.

    With fewer than ``1 / limit`` real images that is a threshold without any false positive.
    """
    return float(curve.tpr[curve.fpr <= limit].max()) if curve.tpr.size else math.nan


def fpr_at(curve: Roc, tpr_at_least: float) -> float:
    """Return the smallest false positive rate of a threshold with at least a true positive rate."""
    return float(curve.fpr[curve.tpr >= tpr_at_least].min()) if curve.tpr.size else math.nan


def accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Return the share of images on the right side of a threshold."""
    return decisions.accuracy(decided(labels, scores, threshold))


def decided(labels: Labels, scores: Scores, threshold: float) -> Decisions[float]:
    """Count what a threshold decides: only ``score > threshold`` means fake.

    Raises:
        ValueError: The arrays do not match, a label is neither 0 nor 1, a number is not finite, or the
            threshold is NaN.
    """
    labels, scores = _checked(labels, scores)
    if math.isnan(threshold):  # comparisons with NaN are all false: every image would count as called real
        raise ValueError("threshold is NaN")
    above = scores > threshold
    fakes, true_positives = int(labels.sum()), int(labels[above].sum())
    return Decisions(len(labels) - fakes, fakes, int(above.sum()) - true_positives, true_positives)


def reals_first(labels: Labels) -> NDArray[np.intp]:
    """Return the order in which UnivFD's loader lists images, for `best_threshold`."""
    return np.argsort(labels, kind="stable")


def best_threshold(labels: Labels, scores: Scores) -> float:
    """Return the threshold that UnivFD's search finds, quirks included.

    The rows must come as its loader makes them, all reals first. If no score in the first half of the *list*
    exceeds one in the second, the answer is the midpoint between the halves, whatever the labels are.
    Otherwise every score is tried with ``score >= threshold`` as fake, and of the most accurate ones the last
    in list order wins. Accuracies are then reported with ``score > threshold``, so they can be lower than
    what the search saw. (Source: ``validate.py`` of UniversalFakeDetect; here in n log n steps.)
    """
    labels, scores = _checked(labels, scores)
    if why_undefined(labels):
        return math.nan
    # find_best_threshold says that it takes the first half of the list for the reals. With unequal numbers it
    # is not, but the paper's numbers come from it all the same.
    low, high = scores[: len(scores) // 2].max(), scores[len(scores) // 2 :].min()
    if low <= high:
        return float((low + high) / 2)
    reals, fakes = np.sort(scores[labels == REAL]), np.sort(scores[labels == FAKE])
    # With >=, as in the search: a real image equal to the threshold is wrong, a fake one right.
    correct = np.searchsorted(reals, scores) + len(fakes) - np.searchsorted(fakes, scores)
    # It keeps a threshold that is as accurate as the best one before (`acc >= best_acc`): the last one wins,
    # which is the first of the reversed list.
    last_best = len(scores) - 1 - int(np.argmax(correct[::-1]))
    return float(scores[last_best])


@dataclass(frozen=True)
class Ranked:
    """The images of each distinct score and of all above it, scores falling; none where a label is missing.

    Sums are added up in the order in which scikit-learn adds them, so that not a bit of them differs.
    """

    false_positives: NDArray[np.float64]
    true_positives: NDArray[np.float64]

    @classmethod
    def of(cls, labels: Labels, scores: Scores) -> Ranked:
        """Sort the images once for all metrics that need no threshold.

        Raises:
            ValueError: The arrays do not match, a label is neither 0 nor 1, or a number is not finite.
        """
        labels, scores = _checked(labels, scores)
        if why_undefined(labels):
            return cls(np.zeros(0), np.zeros(0))
        order = np.argsort(scores)[::-1]
        falling = scores[order]
        # Only the last image of equal scores ends a step: the order among these is chance.
        ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
        true_positives = np.cumsum(labels[order])[ends].astype(np.float64)
        return cls(ends + 1 - true_positives, true_positives)

    def average_precision(self) -> float:
        """Add up precision times the gain in recall, step by step."""
        if not self.true_positives.size:
            return math.nan
        gained = np.diff(self.true_positives / self.true_positives[-1], prepend=0.0)
        # Sums of floats depend on their order: scikit-learn's average_precision_score adds from the lowest
        # score up. Copied, so that the terms lie in that order whatever NumPy makes of a reversed view.
        return float(np.ascontiguousarray((gained * self.precision)[::-1]).sum())

    def auroc(self) -> float:
        """Add up the area between the corners of the curve."""
        if not self.true_positives.size:
            return math.nan
        # roc_curve drops points on straight lines before the area is taken; with them the same area would
        # come out different in its last bits.
        bent = (np.diff(self.false_positives, 2) != 0) | (np.diff(self.true_positives, 2) != 0)
        corners = np.concatenate([[True], bent, [True]])[-len(self.true_positives) :]  # one of a single step
        return Ranked(self.false_positives[corners], self.true_positives[corners]).curve.area()

    @property
    def precision(self) -> NDArray[np.float64]:
        """Return the share of fakes among the images of each step and of all above it."""
        return self.true_positives / (self.true_positives + self.false_positives)

    @cached_property
    def curve(self) -> Roc:
        """Return the counts as shares, with a first step above all scores."""
        both = (self.false_positives, self.true_positives)
        return Roc(*(np.append(0.0, counts / counts[-1]) if counts.size else counts for counts in both))


def _checked(labels: Labels, scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return both in full precision, in which the papers compare scores with thresholds."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"one label for every score, please: shapes {labels.shape} and {scores.shape}")
    wrong = labels[(labels != REAL) & (labels != FAKE)]
    if wrong.size:
        raise ValueError(f"labels are {REAL} (real) or {FAKE} (fake), not {wrong[0]}")
    odd = scores[~np.isfinite(scores)]
    if odd.size:
        raise ValueError(f"{odd.size} of {scores.size} scores are not finite, the first is {odd[0]}")
    return labels.astype(np.int64), scores.astype(np.float64)
