"""How well scores tell fake images from real ones: pure functions of (label, score).

Labels are integers, 0 = real and 1 = fake; scores are finite floats, higher = more likely fake, used in
float64. A metric that the labels leave undefined is NaN, and `why_undefined` says why.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .types import FAKE, REAL

Labels: TypeAlias = NDArray[np.integer[Any]]
Scores: TypeAlias = NDArray[np.floating[Any]]


def summarise(labels: Labels, scores: Scores, threshold: float) -> dict[str, float]:
    """Return every metric that does not depend on the order of the rows, by its column in tables.

    Raises:
        ValueError: The arrays do not match, a label is neither 0 nor 1, or a number is not finite.
    """
    return {
        "ap": average_precision(labels, scores),
        "auroc": auroc(labels, scores),
        "acc": accuracy(labels, scores, threshold),
        "real_acc": real_accuracy(labels, scores, threshold),
        "fake_acc": fake_accuracy(labels, scores, threshold),
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
    labels, scores = _checked(labels, scores)
    if why_undefined(labels):
        return math.nan
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores))


def auroc(labels: Labels, scores: Scores) -> float:
    """Return the probability in [0, 1] that a fake outscores a real image; a tie counts one half."""
    labels, scores = _checked(labels, scores)
    if why_undefined(labels):
        return math.nan
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Return the share of images on the right side, where only ``score > threshold`` means fake."""
    return _mean(_correct(labels, scores, threshold))


def real_accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Return `accuracy` among the real images."""
    return _mean(_correct(labels, scores, threshold)[np.asarray(labels) == REAL])


def fake_accuracy(labels: Labels, scores: Scores, threshold: float) -> float:
    """Return `accuracy` among the fake images."""
    return _mean(_correct(labels, scores, threshold)[np.asarray(labels) == FAKE])


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


def _correct(labels: Labels, scores: Scores, threshold: float) -> NDArray[np.bool_]:
    """Tell for every image whether it is on the right side of the threshold."""
    labels, scores = _checked(labels, scores)
    if math.isnan(threshold):
        raise ValueError("threshold is NaN")
    right: NDArray[np.bool_] = (scores > threshold) == (labels == FAKE)
    return right


def _mean(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if right.size else math.nan


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
