"""Metrics of probabilities against scikit-learn and definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from forenbench.metrics import calibration

PROBABILITIES = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=40)


def labels_for(probabilities: list[float]) -> np.ndarray:
    return np.arange(len(probabilities)) % 2


@settings(deadline=None)
@given(PROBABILITIES)
def test_losses_are_scikit_learns(values: list[float]) -> None:
    labels, probabilities = labels_for(values), np.array(values)
    assert calibration.brier(labels, probabilities) == pytest.approx(brier_score_loss(labels, probabilities))
    inside = np.clip(probabilities, 1e-6, 1 - 1e-6)
    assert calibration.nll(labels, inside) == pytest.approx(log_loss(labels, inside, labels=[0, 1]))


def test_a_wrong_certainty_has_no_finite_loss_unless_the_logit_is_known() -> None:
    labels, saturated = np.array([0, 1]), np.array([1.0, 1.0])
    assert math.isnan(calibration.nll(labels, saturated))
    assert calibration.nll(labels, saturated, np.array([20.0, 20.0])) == pytest.approx(10, abs=1e-8)
    assert calibration.nll(np.array([1, 1]), saturated) == 0


@settings(deadline=None)
@given(PROBABILITIES, st.sampled_from(["equal_width", "equal_mass"]))
def test_calibration_error_is_its_definition(values: list[float], kind: str) -> None:
    labels, probabilities = labels_for(values), np.array(values)
    edges = calibration.equal_width(4) if kind == "equal_width" else calibration.equal_mass(probabilities, 4)
    bins: dict[int, list[int]] = {}
    for at, value in enumerate(probabilities):
        bins.setdefault(sum(value > edge for edge in edges), []).append(at)
    expected = sum(
        len(members) / len(values) * abs(probabilities[members].mean() - labels[members].mean())
        for members in bins.values()
    )
    assert calibration.calibration_error(labels, probabilities, edges) == pytest.approx(expected, abs=1e-12)


def test_probabilities_of_exactly_0_and_1_are_counted() -> None:
    labels, edges = np.array([0, 0, 1, 1]), calibration.equal_width(15)
    assert calibration.calibration_error(labels, np.array([1.0, 1.0, 0.0, 0.0]), edges) == 1
    assert calibration.calibration_error(labels, np.array([0.0, 0.0, 1.0, 1.0]), edges) == 0


def test_bins_of_equal_mass_hold_equal_numbers_and_part_no_ties() -> None:
    edges = calibration.equal_mass(np.arange(60) / 60, 15)
    assert np.bincount(np.searchsorted(edges, np.arange(60) / 60)).tolist() == [4] * 15
    assert calibration.equal_mass(np.full(60, 0.3), 15).tolist() == [0.3]


@pytest.mark.parametrize(
    ("scores", "threshold", "why"),
    [
        ([0.0, 1.0], 0.5, ""),
        ([0.2, 0.4], 0.0, "their threshold is 0, not 0.5"),
        ([0.2, 1.5], 0.5, "1.5 is not in [0, 1]"),
    ],
)
def test_what_counts_as_a_probability(scores: list[float], threshold: float, why: str) -> None:
    reason = calibration.why_no_probabilities(np.array(scores), threshold)
    assert why in reason
    assert bool(reason) == bool(why)


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="is not"):
        calibration.brier(np.array([0, 1]), np.array([0.5, bad]))
