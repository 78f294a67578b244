"""The metrics of many resamples at once, from how often each step of the score was drawn.

A step is one score, or a narrow range of scores in a large cell (`bootstrap.STEPS`). Every function takes
counts of shape (replicates, steps), steps by rising score, and returns (replicates,).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .classification import FPR_AT_TPR, TPR_AT_FPR

Floats = NDArray[np.float64]


@dataclass
class Counts:
    """What was drawn.

    Attributes:
        real: Real images of each step (replicates, steps).
        fake: Fake ones.
        reals: All real images of a replicate (replicates, 1).
        fakes: All fake ones.
        false_positives: Real images of each step and all above it, then a column of zeros.
        true_positives: Fake ones.
    """

    real: Floats
    fake: Floats
    reals: Floats = field(init=False)
    fakes: Floats = field(init=False)
    false_positives: Floats = field(init=False)
    true_positives: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.false_positives, self.true_positives = _from_above(self.real), _from_above(self.fake)
        self.reals, self.fakes = self.false_positives[:, :1], self.true_positives[:, :1]

    @cached_property
    def fpr(self) -> Floats:
        """`false_positives` as a share of all reals."""
        rate: Floats = self.false_positives / np.maximum(self.reals, 1)
        return rate

    @cached_property
    def found_rate(self) -> Floats:
        """`true_positives` as a share of all fakes."""
        rate: Floats = self.true_positives / np.maximum(self.fakes, 1)
        return rate


def rank(counts: Counts) -> dict[str, Floats]:
    """Return what `metrics.rank` does; undefined where a replicate lacks images of a label."""
    true_positives = {
        "ap": average_precision(counts),
        "auroc": auroc(counts),
        "eer": equal_error_rate(counts),
        **{name: tpr_at(counts, limit) for name, limit in TPR_AT_FPR.items()},
        "fpr_at_tpr95": fpr_at(counts, FPR_AT_TPR),
    }
    both = (counts.reals[:, 0] > 0) & (counts.fakes[:, 0] > 0)
    return {name: np.where(both, values, np.nan) for name, values in true_positives.items()}


def average_precision(counts: Counts) -> Floats:
    """Return the precision at each step, weighted by the fakes it adds."""
    true_positives = counts.true_positives[:, :-1]
    called = np.maximum(true_positives + counts.false_positives[:, :-1], 1)  # where it is 0, so are they
    return _ratio((counts.fake * true_positives / called).sum(1), counts.fakes[:, 0])


def auroc(counts: Counts) -> Floats:
    """Return the share of pairs in which the fake scores higher; equal scores count one half."""
    below = counts.reals - counts.false_positives[:, :-1]
    pairs = counts.reals[:, 0] * counts.fakes[:, 0]
    return _ratio((counts.fake * (below + counts.real / 2)).sum(1), pairs)


def equal_error_rate(counts: Counts) -> Floats:
    """Return the crossing of false positive and false negative rate, on straight lines between steps."""
    alarms = counts.fpr
    excess = alarms - (1 - counts.found_rate)
    past = excess[:, :-1] >= 0  # nowhere in a replicate without any image
    at = past.shape[1] - 1 - np.argmax(past[:, ::-1], axis=1)  # the highest step that is past it
    rows = np.arange(len(at))
    before, after = excess[rows, at + 1], excess[rows, at]
    low, high = alarms[rows, at + 1], alarms[rows, at]
    crossing: Floats = low + (high - low) * _ratio(-before, after - before)
    return crossing


def tpr_at(counts: Counts, limit: float) -> Floats:
    """Return the true positive rate of the lowest step with few enough false positives."""
    allowed = (counts.fpr <= limit).sum(1)
    share: Floats = counts.found_rate[np.arange(len(allowed)), counts.true_positives.shape[1] - allowed]
    return share


def fpr_at(counts: Counts, tpr_at_least: float) -> Floats:
    """Return the share of reals called fake by the highest step that finds enough fakes."""
    enough = (counts.found_rate >= tpr_at_least).sum(1)
    share: Floats = counts.fpr[np.arange(len(enough)), enough - 1]  # without fakes: the last
    return share


def decide(counts: Counts, first: int) -> dict[str, Floats]:
    """Return what `metrics.decide` does, where the steps from `first` on are called fake."""
    alarms, true_positives = counts.false_positives[:, first], counts.true_positives[:, first]
    reals, fakes = counts.reals[:, 0], counts.fakes[:, 0]
    real_acc, fake_acc = _ratio(reals - alarms, reals), _ratio(true_positives, fakes)
    called, passed = alarms + true_positives, reals + fakes - alarms - true_positives
    covariance = true_positives * (reals - alarms) - alarms * (fakes - true_positives)
    return {
        "acc": _ratio(reals - alarms + true_positives, reals + fakes),
        "bacc": (real_acc + fake_acc) / 2,
        "real_acc": real_acc,
        "fake_acc": fake_acc,
        "f1": np.where(fakes > 0, _ratio(2 * true_positives, true_positives + alarms + fakes), np.nan),
        "mcc": _ratio(covariance, np.sqrt(called * passed * reals * fakes)),
    }


def mean_of(counts: Counts, real: Floats, fake: Floats) -> Floats:
    """Return the mean of something that each step's real and fake images have on average (steps,)."""
    return _ratio(counts.real @ real + counts.fake @ fake, (counts.reals + counts.fakes)[:, 0])


def _from_above(counts: Floats) -> Floats:
    """Add up from the highest step down; a last column is above all steps."""
    summed = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts[:, ::-1], axis=1, out=summed[:, -2::-1])
    return summed


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide, and leave undefined what has nothing to divide by."""
    ratio: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)
    return ratio
