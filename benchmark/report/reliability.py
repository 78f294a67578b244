"""How far probabilities can be believed: the points of a reliability diagram, each with its interval."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ENOUGH = 20
"""Images of a point, for its share of fakes to say something: its interval is 40 % wide then, or less."""
_NORMAL = 1.959963984540054
"""What 97.5 % of a normal distribution lie below."""


class Point(NamedTuple):
    """Neighbouring bins together.

    Attributes:
        predicted: Mean score in [0, 1].
        observed: Share of fakes in [0, 1].
        low: Lower end of the 95 % interval of `observed`.
        high: The upper end.
        images: How many there are.
    """

    predicted: float
    observed: float
    low: float
    high: float
    images: int


def points(bins: NDArray[np.float64]) -> list[Point]:
    """Join neighbouring bins until each has `ENOUGH` images, and count fakes.

    The intervals are Wilson's (1927), which take every image for an independent one.

    Args:
        bins: (3, n): images, sum of scores and fakes of each bin, from the lowest scores up.

    Returns:
        Points in the same order; none where there is no image, and a single one may have fewer than `ENOUGH`.
    """
    sums: list[NDArray[np.float64]] = []
    for one in bins.T:
        sums.append(sums.pop() + one if sums and sums[-1][0] < ENOUGH else one)
    if len(sums) > 1 and sums[-1][0] < ENOUGH:  # what is left over at the top goes to the sum below
        sums.append(sums.pop() + sums.pop())
    return [
        Point(scores / images, fakes / images, *_wilson(round(fakes), round(images)), round(images))
        for images, scores, fakes in (one.tolist() for one in sums)
        if images
    ]


def _wilson(found: int, among: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    In the order of SciPy's `binomtest`, with equal bits; that one brings `scipy.stats`, an import that takes
    longer than a report's charts.
    """
    share, squared = found / among, _NORMAL**2
    centre = (2 * among * share + squared) / (2 * (among + squared))
    half = _NORMAL / (2 * (among + squared)) * sqrt(4 * among * share * (1 - share) + squared)
    return centre - half if found else 0.0, centre + half if found < among else 1.0
