"""Whether one detector beats another: paired tests on the same images.

Sources: Efron and Tibshirani 1993, section 12.4 (Student's t of a bootstrap spread); DeLong et al. 1988 (in
the n log n form of Sun & Xu 2014), McNemar 1947 (exact), Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

from .bootstrap import Floats
from .classification import Labels, Scores
from .rounding import same
from .spread import error


def bootstrap_p(difference: float, replicates: Floats, number: int) -> float:
    """Return the two-sided p-value of a difference: Student's t of it and of its replicates' spread.

    It is never below that of a sign test of so many images: each might as well have said the opposite, also
    where the difference is the same in all resamples. Without any difference it is 1.

    Args:
        difference: Of the images themselves.
        replicates: Of that difference.
        number: As `spread.witnesses` counts, so many images or origins that the spread is known from; of one
            nothing is known, and the p-value is NaN.
    """
    from scipy.special import stdtr

    wide = error(replicates, number)
    if np.isnan(wide):
        return wide
    if same(difference, 0):
        return 1.0
    # Without any spread the t statistic is infinite; how sure that is depends on the number of images alone.
    tail = float(2 * stdtr(number - 1, -abs(difference) / wide)) if wide else 0.0
    return max(tail, 2 * 0.5**number)


def delong(labels: Labels, first: Scores, second: Scores) -> tuple[float, float]:
    """Return the standard error of the difference of two AUROCs on the same images, and its p-value.

    At least two images of each label are needed. Without any spread the p-value is 1 if the two are equal;
    else it is NaN, for two detectors that never err cannot show how often they might.
    """
    from scipy.stats import norm

    # DeLong's covariance of two AUROCs is that of the images' placements; the variance of the differences of
    # these takes the covariance along, without a matrix.
    real, fake = (
        ours - theirs
        for ours, theirs in zip(_placements(labels, first), _placements(labels, second), strict=True)
    )
    deviation, difference = _error(real, fake), float(fake.mean())
    if same(deviation, 0):
        return 0.0, 1.0 if same(difference, 0) else float("nan")
    return deviation, float(2 * norm.sf(abs(difference) / deviation))


def auroc_error(labels: Labels, scores: Scores) -> float:
    """Return DeLong's standard error of one AUROC; at least two images of each label are needed."""
    return _error(*_placements(labels, scores))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the exact p-value of two detectors being right equally often, from where only one is."""
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:  # binomtest refuses 0 trials; equally right everywhere is no difference
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for having looked at all of them; undefined ones stay out of it."""
    raw = np.asarray(p_values, float)
    adjusted = np.full(raw.shape, np.nan)
    order = [at for at in np.argsort(raw) if np.isfinite(raw[at])]
    scaled = [raw[at] * (len(order) - rank) for rank, at in enumerate(order)]
    # A running maximum, for a larger p-value must never be adjusted to a smaller one.
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled)) if order else []
    return [float(value) for value in adjusted]


def _placements(labels: Labels, scores: Scores) -> tuple[Floats, Floats]:
    """Return the share of the other label that each real and each fake image is on the right side of."""
    from scipy.stats import rankdata

    labels, values = np.asarray(labels), np.asarray(scores, np.float64)
    reals, fakes = values[labels == REAL], values[labels == FAKE]
    # Midranks among all less those among its own label count the images of the other that lie below, ties
    # half: Sun and Xu's n log n in place of all pairs.
    together = rankdata(np.concatenate([reals, fakes]))
    real = 1 - (together[: len(reals)] - rankdata(reals)) / len(fakes)
    fake = (together[len(reals) :] - rankdata(fakes)) / len(reals)
    return np.asarray(real), np.asarray(fake)


def _error(real: Floats, fake: Floats) -> float:
    """Return the standard error of a mean over both labels."""
    return float(np.sqrt(np.var(real, ddof=1) / len(real) + np.var(fake, ddof=1) / len(fake)))
