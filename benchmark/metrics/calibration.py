"""How far probabilities can be believed: pure functions of (label, probability).

Labels are integers, 0 = real and 1 = fake; probabilities are those of "fake", finite, in [0, 1]. What each
metric means is in docs/metrics.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE

if TYPE_CHECKING:
    from .classification import Labels, Scores

BINS = 15
"""Of the calibration errors, as is usual since Guo et al. 2017."""

Floats: TypeAlias = NDArray[np.float64]


def why_no_probabilities(scores: Scores, threshold: float) -> str:
    """Say why scores are not probabilities; empty if they are.

    They count as such where all are in [0, 1] and their author's threshold is 0.5: nearest neighbours'
    differences of distances, with their threshold of 0, never do.
    """
    # That all are in [0, 1] is no sign by itself: small differences of distances are, too.
    if threshold != 0.5:
        return f"scores are no probabilities: their threshold is {threshold:g}, not 0.5"
    scores = np.asarray(scores)
    outside = scores[(scores < 0) | (scores > 1)]
    return f"scores are no probabilities: {outside[0]:g} is not in [0, 1]" if outside.size else ""


class Probabilities(NamedTuple):
    """Scored images whose scores are probabilities.

    Attributes:
        labels: 0 or 1 (n,).
        values: Probabilities of "fake" (n,).
        logits: Of these (n,), or None where there are none; see `nll`.
    """

    labels: Labels
    values: Scores
    logits: Scores | None = None


def losses(labels: Labels, probabilities: Scores, logits: Scores | None = None) -> Floats:
    """Return each image's negative logarithm (natural) of the probability that its own label was given.

    Logits say what probabilities that were rounded to 0 or 1 have lost. Without them a wrong 0 or 1 costs
    infinitely much.
    """
    if logits is not None:
        # log(1 + exp(-x)) without overflow: a float32 sigmoid is 1 from a logit of 17 on, the loss is not 0.
        wrong_way = np.where(np.asarray(labels) == FAKE, -1.0, 1.0) * np.asarray(logits, np.float64)
        return np.asarray(np.logaddexp(0.0, wrong_way))
    own = np.where(np.asarray(labels) == FAKE, probabilities, 1 - np.asarray(probabilities, np.float64))
    with np.errstate(divide="ignore"):
        return -np.log(own)


def nll(labels: Labels, probabilities: Scores, logits: Scores | None = None) -> float:
    """Return the mean of `losses`; undefined without images, or where one loss is infinite."""
    found = losses(*_checked(labels, probabilities), logits)
    return float(found.mean()) if found.size and np.isfinite(found).all() else math.nan


def brier(labels: Labels, probabilities: Scores) -> float:
    """Return the mean squared distance in [0, 1] of probability and label; undefined without images."""
    labels, probabilities = _checked(labels, probabilities)
    return float(squares(labels, probabilities).mean()) if labels.size else math.nan


def squares(labels: Labels, probabilities: Scores) -> Floats:
    """Return each image's squared distance in [0, 1] of probability and label."""
    return np.asarray((np.asarray(probabilities, np.float64) - labels) ** 2)


def calibration_error(labels: Labels, probabilities: Scores, edges: Floats) -> float:
    """Return the mean distance in [0, 1] of probability and share of fakes, over bins by their weight.

    Args:
        labels: Of the images.
        probabilities: Of "fake".
        edges: Rising upper edges of all bins but the last; an edge belongs to the bin below it.
    """
    labels, probabilities = _checked(labels, probabilities)
    if not labels.size:
        return math.nan
    bins = np.searchsorted(edges, probabilities, side="left")
    # A bin's weight times its distance is the sum of (probability - label): no division by empty bins.
    surplus = np.bincount(bins, probabilities - labels, len(edges) + 1)
    return float(np.abs(surplus).sum() / labels.size)


def error_by_width(labels: Labels, probabilities: Scores) -> float:
    """Return `calibration_error` over `BINS` bins of equal width."""
    return calibration_error(labels, probabilities, equal_width(BINS))


def error_by_mass(labels: Labels, probabilities: Scores) -> float:
    """Return `calibration_error` over `BINS` bins of about equally many images."""
    return calibration_error(labels, probabilities, equal_mass(probabilities, BINS))


def equal_width(bins: int) -> Floats:
    """Return the inner edges of bins of equal width in [0, 1]."""
    return np.linspace(0, 1, bins + 1)[1:-1]


def equal_mass(probabilities: Scores, bins: int) -> Floats:
    """Return inner edges between which about equally many probabilities lie; equal ones are never parted."""
    if not np.size(probabilities):
        return np.zeros(0)
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    # This method returns values that occur. An interpolated edge could lie between a score and itself plus
    # one bit, and which side that falls on would be rounding.
    quantiles: Floats = np.quantile(np.asarray(probabilities, np.float64), shares, method="inverted_cdf")
    return np.unique(quantiles)  # a value that fills several bins is one edge, and one bin


def _checked(labels: Labels, probabilities: Scores) -> tuple[Labels, Floats]:
    labels, values = np.asarray(labels), np.asarray(probabilities, np.float64)
    if labels.shape != values.shape:
        raise ValueError(f"one label for every probability: {labels.shape} and {values.shape}")
    wrong = values[~((values >= 0) & (values <= 1))]
    if wrong.size:
        raise ValueError(f"probabilities are in [0, 1]; {wrong[0]} is not")
    return labels, values
