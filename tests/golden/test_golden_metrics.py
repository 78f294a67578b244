"""Metrics against the published procedure: AP, accuracies at 0.5, UnivFD's threshold search."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forenbench import metrics

CASES = json.loads(Path(__file__).with_name("metrics.json").read_text())
TWO_CLASSES = [case for case in CASES if "official_error" not in case]


def labels_and_scores(case: dict[str, Any]) -> tuple[metrics.Labels, metrics.Scores]:
    """Return scores as the published code holds them: float64, after a float32 sigmoid of any logits."""
    if "y_score" in case:
        return np.array(case["y_true"]), np.array(case["y_score"])
    logits = np.array(case["logits"], dtype=np.float32)
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-logits))
    return np.array(case["y_true"]), sigmoid.astype(np.float64)


def accuracies(labels: metrics.Labels, scores: metrics.Scores, threshold: float) -> dict[str, float]:
    summary = metrics.summarise(labels, scores, threshold)
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
    assert math.isnan(metrics.average_precision(labels, scores))
    assert math.isnan(metrics.best_threshold(labels, scores))
    assert metrics.why_undefined(labels) == "no real images"


def test_saturated_sigmoid_makes_ties_that_matter() -> None:
    (case,) = (case for case in CASES if case["name"] == "saturated_logits")
    labels, scores = labels_and_scores(case)
    assert len(set(scores)) == case["distinct_scores"]
    assert metrics.average_precision(labels, np.array(case["logits"], float)) != pytest.approx(case["ap"])
