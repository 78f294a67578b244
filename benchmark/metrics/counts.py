"""The metrics of many resamples at once, from how often each step of the score was drawn.

A step is one score, or a narrow range of scores in a large cell (`bootstrap.STEPS`). Every function takes
counts of shape (replicates, steps), steps by rising score, and returns (replicates,).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .decisions import Decisions, ratio

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
        # Kept two-dimensional, so that they divide the counts of all steps.
        self.reals, self.fakes = self.false_positives[:, :1], self.true_positives[:, :1]

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Which replicates have images of both labels (replicates,)."""
        both: NDArray[np.bool_] = (self.reals[:, 0] > 0) & (self.fakes[:, 0] > 0)
        return both

    def decided(self, first: int) -> Decisions[Floats]:
        """Say what is decided where the steps from one on are called fake."""
        alarms, found = self.false_positives[:, first], self.true_positives[:, first]
        return Decisions(self.reals[:, 0], self.fakes[:, 0], alarms, found)

    @cached_property
    def fpr(self) -> Floats:
        """`false_positives` as a share of all reals."""
        rate: Floats = self.false_positives / np.maximum(self.reals, 1)  # without reals: 0 rather than NaN
        return rate

    @cached_property
    def found_rate(self) -> Floats:
        """`true_positives` as a share of all fakes."""
        rate: Floats = self.true_positives / np.maximum(self.fakes, 1)
        return rate


def average_precision(counts: Counts) -> Floats:
    """Return the precision at each step, weighted by the fakes it adds."""
    true_positives = counts.true_positives[:, :-1]
    called = np.maximum(true_positives + counts.false_positives[:, :-1], 1)  # where it is 0, so are they
    return ratio((counts.fake * true_positives / called).sum(1), counts.fakes[:, 0])


def auroc(counts: Counts) -> Floats:
    """Return the share of pairs in which the fake scores higher; equal scores count one half."""
    # Mann and Whitney's count rather than the area of a curve: no curve of each replicate has to be made.
    below = counts.reals - counts.false_positives[:, :-1]
    pairs = counts.reals[:, 0] * counts.fakes[:, 0]
    return ratio((counts.fake * (below + counts.real / 2)).sum(1), pairs)


def equal_error_rate(counts: Counts) -> Floats:
    """Return the crossing of false positive and false negative rate, on straight lines between steps."""
    alarms = counts.fpr
    excess = alarms - (1 - counts.found_rate)
    past = excess[:, :-1] >= 0  # nowhere in a replicate without any image
    at = past.shape[1] - 1 - np.argmax(past[:, ::-1], axis=1)  # the highest step that is past it
    rows = np.arange(len(at))
    before, after = excess[rows, at + 1], excess[rows, at]
    low, high = alarms[rows, at + 1], alarms[rows, at]
    crossing: Floats = low + (high - low) * ratio(-before, after - before)
    return crossing


def tpr_at(counts: Counts, limit: float) -> Floats:
    """Return the true positive rate of the lowest step with few enough false positives."""
    # The rate only falls from step to step, so that counting what is allowed gives the place of the lowest.
    allowed = (counts.fpr <= limit).sum(1)
    share: Floats = counts.found_rate[np.arange(len(allowed)), counts.true_positives.shape[1] - allowed]
    return share


def fpr_at(counts: Counts, tpr_at_least: float) -> Floats:
    """Return the share of reals called fake by the highest step that finds enough fakes."""
    enough = (counts.found_rate >= tpr_at_least).sum(1)
    share: Floats = counts.fpr[np.arange(len(enough)), enough - 1]  # without fakes: the last
    return share


def mean_of(counts: Counts, real: Floats, fake: Floats) -> Floats:
    """Return the mean of something that each step's real and fake images have on average (steps,)."""
    return ratio(counts.real @ real + counts.fake @ fake, (counts.reals + counts.fakes)[:, 0])


def mean_of_labels(counts: Counts, real: Floats, fake: Floats) -> Floats:
    """Return the mean of both labels' means of something, as `mean_of` has it."""
    of_both = ratio(counts.real @ real, counts.reals[:, 0]) + ratio(counts.fake @ fake, counts.fakes[:, 0])
    halved: Floats = of_both / 2
    return halved


def _from_above(counts: Floats) -> Floats:
    """Add up from the highest step down; a last column is above all steps."""
    # In place and reversed: the largest array of a block is filled in one pass, and never copied.
    summed = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts[:, ::-1], axis=1, out=summed[:, -2::-1])
    return summed
