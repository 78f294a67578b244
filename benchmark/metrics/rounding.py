"""When two computed numbers are the same: one tolerance for all that decides something.

The same value reached in two ways differs in its last bits. Ranks, p-values, the lowest of several values and
whether resamples differ at all must not hang on those, so they are compared here and nowhere else. Scores and
thresholds are data, not results: they are compared as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

ROUNDING = 1e-9
"""Shares that differ by no more are the same."""


def same(first: float, second: float) -> bool:
    """Say whether two finite numbers are one but for rounding."""
    return abs(first - second) <= ROUNDING


def varies(values: ArrayLike) -> bool:
    """Say whether there are different values, beyond rounding."""
    return bool(np.size(values)) and float(np.ptp(np.asarray(values))) > ROUNDING


def ranks(values: Sequence[float]) -> list[int | None]:
    """Rank from the highest value, 1; equal ones share the best rank, undefined ones have none."""
    found = np.asarray(values, np.float64)
    # Rank by how many are better: of two equal ones none is better, so that they share it.
    return [1 + int((found > value + ROUNDING).sum()) if np.isfinite(value) else None for value in found]


def lowest(values: Sequence[float]) -> int:
    """Return the place of the lowest value, of equal ones the first; 0 if all are undefined."""
    found = np.asarray(values, np.float64)
    # fmin passes over NaN; from infinity, so that values that are all undefined have a lowest one, too.
    near = found <= np.fmin.reduce(found, initial=np.inf) + ROUNDING
    return int(np.argmax(near))
