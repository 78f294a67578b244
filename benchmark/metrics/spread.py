"""How sure a number is: 95 % intervals from the spread of a metric's replicates.

The middle 95 % of replicates of few images, taken as they are, are too narrow and lie on the flattering side:

* resamples spread less than samples do, as a variance divided by n is smaller than one divided by n - 1;
* that spread is itself known from few images only, which is what Student's t is for;
* a metric cannot leave its range, so that its interval is longer towards the middle: it is made on the logit
  scale (on the logarithmic one without an upper bound), with the delta method;
* images that are drawn twice tie, which raises average precision: what replicates lie above the value on
  average is taken off, and half of it added to the error: it is an estimate.

Sources: Efron and Tibshirani 1993, chapters 10 and 12; Pepe 2003, section 5.2. What such intervals hold is in
docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .rounding import varies

Floats: TypeAlias = NDArray[np.float64]
LEVEL = 0.95
SHARE = (0.0, 1.0)
"""The range of nearly all metrics."""
DIFFERENCE = (-np.inf, np.inf)
NONE = (float("nan"), float("nan"))


def witnesses(lines: Iterable[Mapping[Any, Any]]) -> int:
    """Count what the spread of a mean over cells is known from, in the cell that has fewest.

    Args:
        lines: Each cell's scored images ``real`` and ``fake``, and its ``origins`` where these are drawn.

    Returns:
        Images of the label with fewer (of the only one, if there is one), or origins.
    """
    return min(
        (line["origins"] or min(filter(None, (line["real"], line["fake"])), default=0) for line in lines),
        default=0,
    )


def error(replicates: Floats, number: int) -> float:
    """Return the standard error that replicates show.

    It is 0 where all replicates, or all but 5 %, are the same: they say nothing of other values. It is NaN
    where 5 % are undefined or only one image was drawn from.

    Args:
        replicates: Of one metric, or of a difference.
        number: As `witnesses` counts.
    """
    known = replicates[np.isfinite(replicates)]
    if number < 2 or known.size <= LEVEL * replicates.size:
        return float("nan")
    # One replicate in a thousand that differs would give a spread, of what is as good as no evidence.
    if not varies(np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])):
        return 0.0
    # Resamples spread by the variance divided by n, samples by that divided by n - 1.
    return float(known.std() * np.sqrt(number / (number - 1)))


def interval(
    replicates: Floats, value: float, number: int, bounds: tuple[float, float] = SHARE
) -> tuple[float, float]:
    """Return the ends of a 95 % interval; NaN where `error` has none to show, or the value is at a bound.

    Args:
        replicates: Of one metric.
        value: Of the images themselves; it is in the interval.
        number: As `witnesses` counts.
        bounds: The metric's range. Of a difference none: then nothing is taken off, so that the interval is
            clear of 0 exactly where its p-value is below 5 %.
    """
    from scipy.special import expit, stdtrit

    wide = error(replicates, number)
    low, high = bounds
    # At a bound the scale has no value; and 35 of 35 right does not mean "between 100 and 100".
    if not wide > 0 or not varies([low, value]) or not varies([value, high]):
        return NONE
    far = float(stdtrit(number - 1, (1 + LEVEL) / 2))
    if bounds == DIFFERENCE:  # has no bound that a scale could keep it within
        return value - far * wide, value + far * wide
    surplus = float(np.nanmean(replicates)) - value
    half = far * (wide + abs(surplus) / 2)  # what is taken off is an estimate, too
    # The delta method: a small error is as wide on the scale as the scale is steep there. Without an upper
    # bound the second term is 0, and the scale is the logarithm.
    slope = 1 / (value - low) + 1 / (high - value)
    centre = np.log(value - low) - (np.log(high - value) if np.isfinite(high) else 0)
    ends = centre + slope * (np.array([-half, half]) - surplus)
    below, above = low + (np.exp(ends) if np.isinf(high) else (high - low) * expit(ends))
    # The surplus may shift the whole interval past a value that is known to lie in it.
    return min(float(below), value), max(float(above), value)
