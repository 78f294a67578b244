"""Metrics against the published procedure: AP, accuracies at 0.5, UnivFD's threshold search."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forenbench.metrics import classification as metrics
from forenbench.metrics.metric_values import decide

CASES = json.loads(Path(__file__).with_name("metrics.json").read_text())
TWO_CLASSES = [case for case in CASES if "official_error" not in case]
FROM_LOGITS = [case for case in CASES if "logits" in case]


def labels_and_scores(case: dict[str, Any]) -> tuple[metrics.Labels, metrics.Scores]:
    """Return scores as the published code holds them: float64, after a float32 sigmoid of any logits."""
    if "y_score" in case:
        return np.array(case["y_true"]), np.array(case["y_score"])
    logits = np.array(case["logits"], dtype=np.float32)
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-logits))
    return np.array(case["y_true"]), sigmoid.astype(np.float64)


def accuracies(labels: metrics.Labels, scores: metrics.Scores, threshold: float) -> dict[str, float]:
    summary = decide(labels, scores, threshold)
    return {"r_acc": summary["real_acc"], "f_acc": summary["fake_acc"], "acc": summary["acc"]}


def test_there_are_cases_with_ties_saturation_and_imbalance() -> None:
    assert len(CASES) == 16
    assert len(TWO_CLASSES) == 15


@pytest.mark.parametrize("case", TWO_CLASSES, ids=lambda case: case["name"])
def test_published_values(case: dict[str, Any]) -> None:
    labels, scores = labels_and_scores(case)
    threshold = metrics.best_threshold(labels, scores)
    assert metrics.average_precision(labels, scores) == pytest.approx(case["ap"], abs=1e-12)
    assert accuracies(labels, scores, 0.5) == pytest.approx(case["at_half"], abs=1e-12)
    assert threshold == pytest.approx(case["best_threshold"], abs=1e-12)
    assert accuracies(labels, scores, threshold) == pytest.approx(case["at_best"], abs=1e-12)


def test_one_class_is_undefined_where_the_published_procedure_stops() -> None:
    (case,) = (case for case in CASES if "official_error" in case)
    labels, scores = labels_and_scores(case)
    assert case["official_error"] == "ValueError"
    assert case["ap"] == 1  # scikit-learn's word for it, which would count as a perfect score
    assert math.isnan(metrics.average_precision(labels, scores))
    assert math.isnan(metrics.best_threshold(labels, scores))
    assert metrics.why_undefined(labels) == "no real images"


@pytest.mark.parametrize("case", FROM_LOGITS, ids=lambda case: case["name"])
def test_saturated_sigmoid_makes_ties_that_matter(case: dict[str, Any]) -> None:
    labels, scores = labels_and_scores(case)
    assert len(set(scores)) == case["distinct_scores"]
    assert (scores == 1).sum() == case["scores_equal_to_1"]
    assert (scores == 0).sum() == case["scores_equal_to_0"]
    raw = metrics.average_precision(labels, np.array(case["logits"], float))
    assert raw == pytest.approx(case["ap_of_raw_logits"], abs=1e-12)
    assert (abs(raw - case["ap"]) > 1e-3) == (case["distinct_scores"] < len(set(case["logits"])))


def first_best_of_100(labels: metrics.Labels, scores: metrics.Scores) -> float:
    """Search as sidbench does: a mistake here, though the same rule holds above the threshold."""
    grid = np.linspace(0, 1, 100)
    return float(grid[np.argmax([((scores > t) == labels).mean() for t in grid])])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_grid_of_thresholds_would_give_another_one(case: dict[str, Any]) -> None:
    labels, scores = labels_and_scores(case)
    threshold, wrong = first_best_of_100(labels, scores), dict(case["linspace100"])
    assert threshold == pytest.approx(wrong.pop("threshold"), abs=1e-12)
    found = {name: math.nan if value is None else value for name, value in wrong.items()}
    assert accuracies(labels, scores, threshold) == pytest.approx(found, abs=1e-12, nan_ok=True)
    assert metrics.best_threshold(labels, scores) != pytest.approx(threshold, abs=1e-3)


def test_a_grid_of_thresholds_would_often_give_another_accuracy() -> None:
    """It knows which labels are which, where the published search takes the first half as real."""
    other = []
    for case in TWO_CLASSES:
        labels, scores = labels_and_scores(case)
        ours = metrics.accuracy(labels, scores, metrics.best_threshold(labels, scores))
        wrong = case["linspace100"]["acc"]
        assert (ours != pytest.approx(wrong)) == (case["at_best"]["acc"] != pytest.approx(wrong))
        other += [case["name"]] if ours != pytest.approx(wrong) else []
    assert len(other) == 8
    assert "overlapping_logits_200_200" not in other
