"""Whether one detector beats another: paired tests on the same images.

Sources: DeLong et al. 1988 (in the n log n form of Sun & Xu 2014), McNemar 1947 (exact), Holm 1979.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Floats, varies
from .metrics import Labels, Scores
from .types import FAKE, REAL


def bootstrap_p(differences: Floats) -> float:
    """Return the two-sided p-value of a difference from its replicates; NaN without any.

    It comes from the share of replicates beyond 0. Where there are none, that share cannot tell what is rare
    from what is rarer, and a correction for many comparisons would leave nothing significant: below
    2 / (replicates + 1) it is the normal distribution's with the replicates' mean and spread.
    """
    from scipy.stats import norm

    known = differences[np.isfinite(differences)]
    if not known.size:
        return float("nan")
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    p_value = min(1.0, 2 * (fewer + 1) / (len(known) + 1))
    if fewer or not varies(known):
        return p_value
    return min(p_value, float(2 * norm.sf(abs(known.mean()) / known.std())))


def delong(labels: Labels, first: Scores, second: Scores) -> tuple[float, float]:
    """Return the standard error of the difference of two AUROCs on the same images, and its p-value.

    Without any spread the p-value is 1 if the two are equal, else 0.
    """
    from scipy.stats import norm

    (real, fake), areas = _placements(labels, first, second)
    covariance = np.cov(real) / real.shape[1] + np.cov(fake) / fake.shape[1]
    contrast = np.array([1.0, -1.0])
    error = float(np.sqrt(max(0.0, contrast @ covariance @ contrast)))
    difference = areas[0] - areas[1]
    if error == 0:
        return 0.0, 1.0 if difference == 0 else 0.0
    return error, float(2 * norm.sf(abs(difference) / error))


def auroc_error(labels: Labels, scores: Scores) -> float:
    """Return DeLong's standard error of one AUROC; at least two images of each label are needed."""
    (real, fake), _ = _placements(labels, scores)
    variance = np.var(real[0], ddof=1) / real.shape[1] + np.var(fake[0], ddof=1) / fake.shape[1]
    return float(np.sqrt(variance))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the exact p-value of two detectors being right equally often, from where only one is."""
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for having looked at all of them; undefined ones stay out of it."""
    raw = np.asarray(p_values, float)
    adjusted = np.full(raw.shape, np.nan)
    order = [at for at in np.argsort(raw) if np.isfinite(raw[at])]
    scaled = [raw[at] * (len(order) - place) for place, at in enumerate(order)]
    adjusted[order] = np.minimum(1, np.maximum.accumulate(scaled)) if order else []
    return [float(value) for value in adjusted]


def _placements(labels: Labels, *scores: Scores) -> tuple[tuple[Floats, Floats], list[float]]:
    """Return the share of the other label that each image is on the right side of, a row a detector."""
    from scipy.stats import rankdata

    labels = np.asarray(labels)
    real, fake, areas = [], [], []
    for one in scores:
        values = np.asarray(one, np.float64)
        reals, fakes = values[labels == REAL], values[labels == FAKE]
        together = rankdata(np.concatenate([reals, fakes]))
        of_fakes = (together[len(reals) :] - rankdata(fakes)) / len(reals)
        real.append(1 - (together[: len(reals)] - rankdata(reals)) / len(fakes))
        fake.append(of_fakes)
        areas.append(float(of_fakes.mean()))
    return (np.array(real), np.array(fake)), areas
