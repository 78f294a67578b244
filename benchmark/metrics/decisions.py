"""How good the decisions are that a threshold makes: functions of four counts.

Each takes the counts of images (whole numbers) or those of many resamples at once (arrays), so that a metric
and its replicates are one formula. What is undefined is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

N = TypeVar("N", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True)
class Decisions(Generic[N]):
    """How many images of either label are called fake.

    Attributes:
        reals: All real images.
        fakes: All fake ones.
        false_positives: Real images called fake.
        true_positives: Fake images called fake.
    """

    reals: N
    fakes: N
    false_positives: N
    true_positives: N


def accuracy(made: Decisions[N]) -> N:
    """Return the share of images in [0, 1] that are on the right side."""
    right = made.reals - made.false_positives + made.true_positives
    return ratio(right, made.reals + made.fakes)


def balanced_accuracy(made: Decisions[N]) -> N:
    """Return the mean in [0, 1] of the accuracies on both labels: chance gives 0.5 whatever the counts."""
    return (real_accuracy(made) + fake_accuracy(made)) / 2


def real_accuracy(made: Decisions[N]) -> N:
    """Return the share of the real images in [0, 1] that are called real."""
    return ratio(made.reals - made.false_positives, made.reals)


def fake_accuracy(made: Decisions[N]) -> N:
    """Return the share of the fake images in [0, 1] that are called fake."""
    return ratio(made.true_positives, made.fakes)


def f1(made: Decisions[N]) -> N:
    """Return the harmonic mean in [0, 1] of precision and recall for fakes; undefined without fakes."""
    both = made.fakes + made.false_positives + made.true_positives
    # Without fakes the formula gives 0, which would say that all of them were missed.
    return ratio(2 * made.true_positives, both * (made.fakes > 0))


def correlation(made: Decisions[N]) -> N:
    """Return Matthews' correlation in [-1, 1] of labels and decisions; undefined where either is constant."""
    called = made.false_positives + made.true_positives
    passed = made.reals + made.fakes - called
    right_reals, missed = made.reals - made.false_positives, made.fakes - made.true_positives
    covariance = made.true_positives * right_reals - made.false_positives * missed
    variances = called * passed * made.reals * made.fakes
    # The product of four counts of some 100,000 images is beyond 64 bits: Python's integers hold it exactly,
    # NumPy's would overflow without a word. Replicates are floats, and only their spread counts.
    root: N = np.sqrt(variances) if isinstance(variances, np.ndarray) else math.sqrt(variances)
    return ratio(covariance, root)


def average_precision(made: Decisions[N]) -> N:
    """Return the average precision in [0, 1] of decisions taken for scores: 1 = called fake, 0 = not.

    Some papers' values lie below their accuracy as only those of such scores do (FreDect's and Durall's in
    LGrad's Table 3). Undefined unless there are both labels.
    """
    # Two steps of recall: those called fake at their precision, then the rest at that of all images
    # (`average_precision_score` of scikit-learn, whose thresholds are the two values).
    called = made.true_positives + made.false_positives
    purity = ratio(made.true_positives, called + (called == 0))  # of nothing it is 0, and counts nothing
    share = ratio(made.fakes, made.reals + made.fakes)
    found = ratio(made.true_positives, made.fakes * (made.reals > 0))
    precision: N = found * purity + (1 - found) * share
    return precision


def ratio(above: N, below: N) -> N:
    """Divide, and leave undefined what has nothing to divide by."""
    # `out` holds what `where` leaves out: a plain division would warn, and give infinity for 1 / 0.
    if isinstance(above, np.ndarray):
        divided: N = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)
        return divided
    return above / below if below else math.nan
