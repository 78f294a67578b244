"""B-Free's metrics: losses and calibration that weigh both labels equally, and recall between thresholds.

Source: the evaluation code of grip-unina/B-Free @c6a9f89, whose functions are named at ours. Their input are
logits to the base e; a detector without logits is judged by its probabilities.
"""

from __future__ import annotations

import math

import numpy as np

from forenbench.types import FAKE, REAL

from . import classification, terms
from .calibration import BINS, Floats, Probabilities, losses
from .classification import Ranked
from .counts import Counts
from .decisions import ratio
from .metric import ProbabilityMetric, RankingMetric

_LIMIT = 0.1


def nll(images: Probabilities) -> float:
    """Return the mean of both labels' mean losses (``balanced_nll_binary``).

    Undefined without images of both labels, or where one loss is infinite.
    """
    found = losses(*images)
    if classification.why_undefined(images.labels) or not np.isfinite(found).all():
        return math.nan
    return float(np.mean([found[images.labels == label].mean() for label in (REAL, FAKE)]))


def calibration_error(images: Probabilities) -> float:
    """Return the mean distance in [0, 1] of probability and share of fakes (``balanced_ece_binary``).

    All images of a label weigh one half together; `BINS` bins of equal width, to which their lower edges
    belong. Undefined without images of both labels.
    """
    if classification.why_undefined(images.labels):
        return math.nan
    probabilities = np.asarray(images.values, np.float64)
    if images.logits is not None:
        # A float32 sigmoid is 1 from a logit of 17 on; that of float64, written without overflow, is not.
        probabilities = np.exp(-np.logaddexp(0.0, -np.asarray(images.logits, np.float64)))
    # Theirs is in no bin at exactly 1, so that the worst errors would count least; here it is in the last.
    bins = np.minimum(np.floor(BINS * probabilities), BINS - 1).astype(int)
    weights = (0.5 / np.bincount(images.labels, minlength=2))[images.labels]
    return float(np.abs(np.bincount(bins, weights * (probabilities - images.labels))).sum())


def recall(ranked: Ranked) -> float:
    """Return the true positive rate at 10 % FPR, on straight lines between thresholds (``pd_at_far``)."""
    return float(np.interp(_LIMIT, ranked.curve.fpr, ranked.curve.tpr))


def recall_each(drawn: Counts) -> Floats:
    """Return `recall` of every replicate (replicates,)."""
    # Rates fall from step to step: those within the limit come last, and the line is to the step before.
    after = drawn.fpr.shape[1] - (drawn.fpr <= _LIMIT).sum(1)
    rows, before = np.arange(len(after)), np.maximum(after - 1, 0)  # without reals, whose values are not used
    low, high = drawn.fpr[rows, after], drawn.fpr[rows, before]
    share = ratio(_LIMIT - low, high - low)
    found, more = drawn.found_rate[rows, after], drawn.found_rate[rows, before]
    between: Floats = found + share * (more - found)
    return between


RECALL = RankingMetric(
    name="pd_at_fpr10",
    label="TPR at 10% FPR, between thresholds",
    term=terms.TPR,
    point=recall,
    replicate=recall_each,
)
NLL = ProbabilityMetric(
    name="nll_balanced",
    label="NLL, balanced",
    term=terms.NLL,
    point=nll,
    losses=lambda images: losses(*images),
    balanced=True,
    bounds=(0.0, np.inf),
    percent=False,
    lower_is_better=True,
)
ECE = ProbabilityMetric(
    name="ece_balanced",
    label="ECE, balanced",
    term=terms.ECE,
    point=calibration_error,
    percent=False,
    lower_is_better=True,
)
"""All three are in B-Free's table alone; the catalogue says where they have no interval."""
