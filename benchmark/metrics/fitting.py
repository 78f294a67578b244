"""A threshold, and maps from scores to probabilities, fitted to images that no result rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from forenbench.types import FAKE, REAL

from .calibration import Floats, losses
from .classification import Labels, Scores, why_undefined
from .metric import MAPS

_SMALLEST = 2.0**-24
"""What float32 probabilities next to 1 are away from it."""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """The sigmoid of a straight line."""

    slope: float
    offset: float = 0.0

    def __call__(self, raw: Scores) -> Floats:
        """Map raw scores (n,) to probabilities (n,)."""
        from scipy.special import expit

        return np.asarray(expit(self.logits(raw)))

    def logits(self, raw: Scores) -> Floats:
        """Map raw scores (n,) to the logits of their probabilities (n,), which never saturate."""
        return np.asarray(self.slope * np.asarray(raw, np.float64) + self.offset)


@dataclass(frozen=True, slots=True)
class Steps:
    """Rising values at rising scores, interpolated between them and constant beyond."""

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, raw: Scores) -> Floats:
        """Map raw scores (n,) to probabilities (n,)."""
        return np.interp(np.asarray(raw, np.float64), self.scores, self.values)

    def logits(self, raw: Scores) -> None:
        """Return nothing: steps reach 0 and 1."""


Map: TypeAlias = Sigmoid | Steps


def raw_scores(scores: Scores, logits: Scores | None, *, probabilities: bool) -> Floats:
    """Return what maps are fitted to: logits; else log odds of probabilities; else the scores themselves.

    Args:
        scores: Of the images.
        logits: Raw values where the detector has them.
        probabilities: The scores are in [0, 1] and count as such.
    """
    if logits is not None:
        return np.asarray(logits, np.float64)
    values = np.asarray(scores, np.float64)
    if not probabilities:
        return values
    # A saturated sigmoid has no finite log odds, and one such image would decide the whole fit.
    inside = np.clip(values, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(inside / (1 - inside)))


def fit_threshold(labels: Labels, scores: Scores) -> float:
    """Return the threshold with the best balanced accuracy, in the middle between two scores.

    Of several equally good ones the middle one counts; above it lies what is called fake.
    """
    _need_both(labels)
    distinct = np.unique(np.asarray(scores, np.float64))
    reals, fakes = (np.sort(np.asarray(scores)[np.asarray(labels) == label]) for label in (REAL, FAKE))
    # Below the lowest score as well: where a detector is upside down, calling all fake is the best there is.
    cuts = np.concatenate([distinct[:1] - 1, (distinct[:-1] + distinct[1:]) / 2])
    real_acc = np.searchsorted(reals, cuts, side="right") / len(reals)
    fake_acc = 1 - np.searchsorted(fakes, cuts, side="right") / len(fakes)
    # isclose, for the same balanced accuracy comes from different shares with different last bits.
    best = np.flatnonzero(np.isclose(real_acc + fake_acc, (real_acc + fake_acc).max()))
    return float(cuts[best[len(best) // 2]])


def fit_temperature(labels: Labels, logits: Scores) -> Sigmoid:
    """Fit one divisor of logits by least negative log-likelihood (Guo et al. 2017); it changes no rank."""
    from scipy.optimize import minimize_scalar

    _need_both(labels)
    raw = np.asarray(logits, np.float64)

    # Searched on a logarithmic scale, where a temperature cannot become negative, from 1/1000 to 1000.
    def cost(log_temperature: float) -> float:
        scaled = raw / math.exp(log_temperature)
        return float(losses(labels, scaled, scaled).mean())

    return Sigmoid(math.exp(-minimize_scalar(cost, bounds=(-7, 7), method="bounded").x))


def fit_platt(labels: Labels, scores: Scores) -> Sigmoid:
    """Fit a slope and an offset (Platt 1999, whose targets keep them finite)."""
    from scipy.optimize import minimize

    _need_both(labels)
    is_fake = np.asarray(labels) == FAKE
    fakes, reals = int(is_fake.sum()), int((~is_fake).sum())
    # Not 1 and 0: of labels that can be told apart without error the slope would grow without end.
    targets = np.where(is_fake, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    raw = np.asarray(scores, np.float64)
    # Standardised, for BFGS starts with steps of 1 whatever the scale of the scores.
    centre, width = float(raw.mean()), float(raw.std()) or 1.0

    def cost(line: Floats) -> float:
        values = line[0] * (raw - centre) / width + line[1]
        return float(np.mean(np.logaddexp(0, values) - targets * values))

    slope, offset = minimize(cost, np.array([1.0, 0.0]), method="BFGS").x
    # Back to the scale of the scores as they are.
    return Sigmoid(float(slope / width), float(offset - slope * centre / width))


def fit_isotonic(labels: Labels, scores: Scores) -> Steps:
    """Fit the best rising steps (Zadrozny & Elkan 2002)."""
    from sklearn.isotonic import IsotonicRegression

    _need_both(labels)
    # The thresholds are the ends of the steps, all that interpolation needs and JSON can keep.
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(np.asarray(scores, np.float64), labels)
    return Steps(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))


FITS: Mapping[str, Callable[[Labels, Scores], Map]] = dict(
    zip(MAPS, (fit_temperature, fit_platt, fit_isotonic), strict=True)
)


def as_map(stored: Mapping[str, Any]) -> Map:
    """Make a map again from its fields (`dataclasses.asdict`)."""
    return Sigmoid(**stored) if "slope" in stored else Steps(tuple(stored["scores"]), tuple(stored["values"]))


def _need_both(labels: Labels) -> None:
    """Refuse to fit to one label."""
    if reason := why_undefined(np.asarray(labels)):
        raise ValueError(f"cannot fit: {reason}")
