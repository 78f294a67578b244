"""Labels and scores → curves of a fixed, small number of points, and their means over test sets.

The mean of curves is vertical: at each false positive rate the mean true positive rate, at each recall the
mean precision. The area below a mean curve is then the mean of the areas, which the tables show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forenbench.metrics.calibration import BINS, equal_width, why_no_probabilities
from forenbench.metrics.classification import Ranked, Roc, why_undefined
from forenbench.types import FAKE

Array = NDArray[np.float64]

RATES: Array = np.unique(np.concatenate([np.geomspace(1e-4, 1, 150), np.linspace(0, 1, 151)]))
"""False positive rates at which ROC and DET curves are drawn: dense near 0, where detectors are used."""
RECALLS: Array = np.linspace(0, 1, 301)
"""Recalls at which precision is drawn."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Curves:
    """One detector on one test set, or the mean over several.

    Attributes:
        tpr: True positive rate at each of `RATES`.
        precision: Precision at each of `RECALLS`.
        bins: (3, `BINS`): images, sum of scores, and fakes in each bin of [0, 1]; None where scores are no
            probabilities.
    """

    tpr: Array
    precision: Array
    bins: Array | None


def trace(labels: NDArray[np.integer], scores: Array, threshold: float) -> Curves | None:
    """Draw one test set's curves.

    Args:
        labels: 0 = real, 1 = fake, (n,).
        scores: Finite, higher = more likely fake, (n,).
        threshold: The detector's own. It tells whether scores are probabilities.

    Returns:
        None where one of the labels is missing.
    """
    if why_undefined(labels):
        return None
    ranked = Ranked.of(labels, scores)
    fpr, tpr = ranked.curve
    precision = np.append(1.0, ranked.precision)
    # Average precision takes, up to each recall, the precision of the step that reaches it.
    step = np.searchsorted(tpr, np.maximum(RECALLS - _ROUNDING, _ROUNDING))
    bins = None
    if not why_no_probabilities(scores, threshold):
        # ECE's bins are closed above, (0, 1/15] and so on, and the first has 0, too: hence "left".
        at = np.searchsorted(equal_width(BINS), scores, side="left")
        weights = (np.ones_like(scores), scores, (labels == FAKE).astype(float))
        bins = np.array([np.bincount(at, weight, BINS) for weight in weights])
    # A curve that rises has several values at one rate. From there on `interp` starts at the upper end, up to
    # there it goes to the lower one: else the curve of few images, a stair, would lie too high or too low.
    return Curves(np.interp(RATES, fpr, tpr), precision[step], bins)


def mean(curves: Sequence[Curves]) -> Curves:
    """Average curves, each test set counting once; images in the bins of [0, 1] are added up."""
    bins = [one.bins for one in curves if one.bins is not None]
    return Curves(
        np.mean([one.tpr for one in curves], axis=0),
        np.mean([one.precision for one in curves], axis=0),
        np.sum(bins, axis=0) if len(bins) == len(curves) else None,
    )


def area(curves: Curves) -> float:
    """Return the area below the ROC curve, to the precision of `RATES`."""
    return Roc(RATES, curves.tpr).area()
