"""Fitted thresholds and maps against what made the data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from forenbench.metrics import calibration, fitting
from forenbench.metrics.metric_values import decide


def sample(slope: float, offset: float, number: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose true probabilities are sigmoid(slope * logit + offset)."""
    random = np.random.default_rng(5)
    logits = random.normal(0, 3, number)
    return (random.random(number) < expit(slope * logits + offset)).astype(int), logits


def test_temperature_finds_what_made_the_labels() -> None:
    labels, logits = sample(1 / 2.5, 0)
    fitted = fitting.fit_temperature(labels, logits)
    assert fitted(np.array([2.5])) == pytest.approx(expit(1), abs=0.01)
    assert fitted(np.array([0.0])) == 0.5


def test_platt_finds_slope_and_offset() -> None:
    labels, logits = sample(0.5, -1)
    fitted = fitting.fit_platt(labels, logits)
    assert fitted(np.array([0.0, 4.0])) == pytest.approx(expit([-1, 1]), abs=0.02)


def test_isotonic_rises_and_is_calibrated_on_what_it_was_fitted_to() -> None:
    labels, logits = sample(0.5, 1)
    fitted = fitting.fit_isotonic(labels, logits)
    mapped = fitted(np.sort(logits))
    assert (np.diff(mapped) >= 0).all()
    error = calibration.calibration_error(labels, fitted(logits), calibration.equal_width(15))
    assert error == pytest.approx(0, abs=1e-9)
    assert fitted(np.array([-100.0, 100.0])) == pytest.approx([mapped[0], mapped[-1]])


@pytest.mark.parametrize("fit", [fitting.fit_temperature, fitting.fit_platt, fitting.fit_isotonic])
def test_fitting_needs_both_labels(fit: Callable[..., fitting.Map]) -> None:
    with pytest.raises(ValueError, match="cannot fit: no fake images"):
        fit(np.array([0, 0]), np.array([0.1, 0.2]))


def test_separable_images_still_give_finite_maps() -> None:
    labels, logits = np.array([0, 0, 1, 1]), np.array([-2.0, -1.0, 1.0, 2.0])
    for fit in (fitting.fit_temperature, fitting.fit_platt):
        assert np.isfinite(fit(labels, logits)(logits)).all()


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), min_size=2, max_size=30))
def test_no_threshold_is_better_than_the_fitted_one(values: list[float]) -> None:
    labels, scores = np.arange(len(values)) % 2, np.array(values)
    threshold = fitting.fit_threshold(labels, scores)
    best = max(decide(labels, scores, at)["bacc"] for at in [-1, *scores, *(scores - 0.1)])
    assert decide(labels, scores, threshold)["bacc"] == pytest.approx(best)


def test_the_fitted_threshold_lies_between_separable_labels() -> None:
    assert fitting.fit_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])) == 0.5


def test_the_middle_one_of_equally_good_thresholds_counts() -> None:
    assert fitting.fit_threshold(np.array([0, 1, 0, 1, 0, 1]), np.arange(6)) == 2.5


def test_platt_meets_its_targets_on_separable_images() -> None:
    """Where the likelihood is highest, residuals add up to 0, by themselves and times the scores."""
    labels, raw = np.array([0, 0, 0, 1, 1]), np.array([-3.0, -2.0, -1.0, 1.0, 4.0])
    residuals = fitting.fit_platt(labels, raw)(raw) - np.where(labels == 1, 3 / 4, 1 / 5)
    assert [residuals.sum(), (residuals * raw).sum()] == pytest.approx([0, 0], abs=1e-4)


def test_maps_come_back_from_json() -> None:
    labels, logits = sample(0.5, 1, 500)
    for fit in fitting.FITS.values():
        made = fit(labels, logits)
        again = fitting.as_map(json.loads(json.dumps(asdict(made))))
        assert np.array_equal(made(logits), again(logits))


def test_maps_are_fitted_to_logits_if_there_are_any() -> None:
    scores = np.array([0.0, 0.5, 1.0])
    assert fitting.raw_scores(scores, np.array([-30.0, 0.0, 30.0]), probabilities=True).tolist() == [
        -30,
        0,
        30,
    ]
    odds = fitting.raw_scores(scores, None, probabilities=True)
    assert odds[1] == 0
    assert odds[2] == -odds[0] == pytest.approx(24 * np.log(2), rel=1e-6)
    assert fitting.raw_scores(scores, None, probabilities=False).tolist() == [0, 0.5, 1]
