"""How well scores tell fake images from real ones: pure functions of (label, score).

Labels are integers, 0 = real and 1 = fake; scores are finite floats, higher = more likely fake, used in
float64. A metric that the images leave undefined is NaN, never 0 or 0.5; `why_undefined` says why.
What each one means is in docs/metrics.md; those that judge probabilities are in `calibration`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

Labels: TypeAlias = NDArray[np.integer[Any]]
Scores: TypeAlias = NDArray[np.floating[Any]]


TPR_AT_FPR = {"tpr_at_fpr1": 0.01, "tpr_at_fpr5": 0.05}
"""False positive rates at which the true positive rate is reported, by its column."""
FPR_AT_TPR = 0.95
"""True positive rate at which the false positive rate is reported."""


def rank(labels: Labels, scores: Scores) -> dict[str, float]:
    """Return every metric that needs no threshold, by its column in tables.

    Raises:
        ValueError: The arrays do not match, a label is neither 0 nor 1, or a number is not finite.
    """
    steps = _Steps.of(labels, scores)
    curve = steps.roc()
    return {
        "ap": steps.average_precision(),
        "auroc": steps.auroc(),
        "eer": equal_error_rate(curve),
        **{name: tpr_at(curve, limit) for name, limit in TPR_AT_FPR.items()},
        "fpr_at_tpr95": fpr_at(curve, FPR_AT_TPR),
    }


def decide(labels: Labels, scores: Scores, threshold: float) -> dict[str, float]:
    """Return every metric of the decisions that a threshold makes, by its column in tables.

    Only ``score > threshold`` means fake. ``acc`` is the share of images on the right side, ``real_acc`` and
    ``fake_acc`` those of one label, ``bacc`` the mean of these two: chance gives 0.5 whatever the counts.
    ``f1``, the harmonic mean of precision and recall for fakes, is undefined without fakes; ``mcc``, the
    correlation in [-1, 1] of labels and decisions, where either is constant.

    Raises:
        ValueError: As `rank`, or the threshold is NaN.
    """
    labels, scores = _checked(labels, scores)
    if math.isnan(threshold):
        raise ValueError("threshold is NaN")
    above = scores > threshold
    called, fakes, true_positives = int(above.sum()), int(labels.sum()), int(labels[above].sum())
    passed, reals, alarms = len(labels) - called, len(labels) - fakes, called - true_positives
    real_acc, fake_acc = _share(reals - alarms, reals), _share(true_positives, fakes)
    covariance = true_positives * (reals - alarms) - alarms * (fakes - true_positives)
    return {
        "acc": _share(reals - alarms + true_positives, len(labels)),
        "bacc": (real_acc + fake_acc) / 2,
        "real_acc": real_acc,
        "fake_acc": fake_acc,
        "f1": 2 * true_positives / (fakes + called) if fakes else math.nan,
        "mcc": _share(covariance, math.sqrt(called * passed * reals * fakes)),
    }


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
    return _Steps.of(labels, scores).average_precision()


def auroc(labels: Labels, scores: Scores) -> float:
    """Return the probability in [0, 1] that a fake outscores a real image; a tie counts one half."""
    return _Steps.of(labels, scores).auroc()


class Roc(NamedTuple):
    """Shares of images called fake, at every threshold from above all scores down; equal scores are one step.

    Attributes:
        fpr: False positive rates; rising from 0 to 1. Empty where a label is missing.
        tpr: True positive rates.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]


def roc(labels: Labels, scores: Scores) -> Roc:
    """Return the receiver operating characteristic."""
    return _Steps.of(labels, scores).roc()


def equal_error_rate(curve: Roc) -> float:
    """Return where as many reals are called fake as fakes missed, on straight lines between thresholds."""
    fpr, tpr = curve
    if not tpr.size:
        return math.nan
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
    """Return the share of images on the right side, as `decide` does."""
    return decide(labels, scores, threshold)["acc"]


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
    low, high = scores[: len(scores) // 2].max(), scores[len(scores) // 2 :].min()
    if low <= high:
        return float((low + high) / 2)
    reals, fakes = np.sort(scores[labels == REAL]), np.sort(scores[labels == FAKE])
    correct = np.searchsorted(reals, scores) + len(fakes) - np.searchsorted(fakes, scores)
    last_best = len(scores) - 1 - int(np.argmax(correct[::-1]))
    return float(scores[last_best])


@dataclass(frozen=True, slots=True)
class _Steps:
    """The images of each distinct score and of all above it, scores falling; none where a label is missing.

    Sums are added up in the order in which scikit-learn adds them, so that not a bit of them differs.
    """

    false_positives: NDArray[np.float64]
    true_positives: NDArray[np.float64]

    @classmethod
    def of(cls, labels: Labels, scores: Scores) -> _Steps:
        """Sort the images once for all metrics."""
        labels, scores = _checked(labels, scores)
        if why_undefined(labels):
            return cls(np.zeros(0), np.zeros(0))
        order = np.argsort(scores)[::-1]
        falling = scores[order]
        ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
        true_positives = np.cumsum(labels[order])[ends].astype(np.float64)
        return cls(ends + 1 - true_positives, true_positives)

    def average_precision(self) -> float:
        if not self.true_positives.size:
            return math.nan
        precision = self.true_positives / (self.true_positives + self.false_positives)
        gained = np.diff(self.true_positives / self.true_positives[-1], prepend=0.0)
        return float(np.ascontiguousarray((gained * precision)[::-1]).sum())

    def auroc(self) -> float:
        """Add up the area between the corners of the curve."""
        if not self.true_positives.size:
            return math.nan
        bent = (np.diff(self.false_positives, 2) != 0) | (np.diff(self.true_positives, 2) != 0)
        corners = np.concatenate([[True], bent, [True]])[-len(self.true_positives) :]  # of a single step, one
        curve = _Steps(self.false_positives[corners], self.true_positives[corners]).roc()
        heights = curve.tpr[1:] + curve.tpr[:-1]
        return float((np.diff(curve.fpr) * heights / 2).sum())

    def roc(self) -> Roc:
        """Return the counts as shares, with a first step above all scores."""
        both = (self.false_positives, self.true_positives)
        return Roc(*(np.append(0.0, one / one[-1]) if one.size else one for one in both))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


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
