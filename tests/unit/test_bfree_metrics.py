"""B-Free's metrics against the numbers that its authors ship, and against scikit-learn and definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_curve
from sklearn.utils.class_weight import compute_sample_weight

from forenbench.metrics.bootstrap import images, resample
from forenbench.metrics.intervals import ScoredImages, replicates

NAMES = ("nll_balanced", "ece_balanced", "pd_at_fpr10")


def scored(logits: np.ndarray, labels: np.ndarray) -> ScoredImages:
    return ScoredImages(labels, expit(logits.astype(np.float32)).astype(float), logits, 0.5)


def drawn(reals: int, fakes: int) -> ScoredImages:
    labels = np.repeat([0, 1], [reals, fakes])
    return scored(np.random.default_rng(5).normal(1.2 * labels, 2), labels)


def test_the_four_demo_images_have_the_metrics_that_the_authors_ship() -> None:
    """Of code/demo_images/results.csv and results_metrics.csv @c6a9f89."""
    logits = np.array([-5.9374785, -4.441922, 4.430519, 3.8499813])
    found = scored(logits, np.array([0, 0, 1, 1])).metrics
    shipped = (0.011808631168055741, 0.011718220922068524, 1.0)
    assert [found[name] for name in NAMES] == pytest.approx(shipped, rel=1e-6)


def test_both_labels_weigh_equally_whatever_their_numbers() -> None:
    found = drawn(37, 211)
    weight, probabilities = compute_sample_weight("balanced", found.labels), expit(found.logits)
    assert found.metrics["nll_balanced"] == pytest.approx(
        log_loss(found.labels, probabilities, sample_weight=weight)
    )
    surplus = 0.0
    for at in range(15):
        inside = (probabilities >= at / 15) & (probabilities < (at + 1) / 15)
        if inside.any():
            share = np.average(found.labels[inside], weights=weight[inside])
            mean = np.average(probabilities[inside], weights=weight[inside])
            surplus += float(abs(share - mean) * weight[inside].sum() / weight.sum())
    assert found.metrics["ece_balanced"] == pytest.approx(surplus)
    assert abs(found.metrics["nll_balanced"] - found.metrics["nll"]) > 0.01
    assert abs(found.metrics["ece_balanced"] - found.metrics["ece"]) > 0.01


@pytest.mark.parametrize("reals", [37, 40])
def test_recall_at_a_rate_between_two_thresholds_lies_between_their_recalls(reals: int) -> None:
    """Of 37 reals no threshold has an FPR of 10 %; of 40 one has."""
    found = drawn(reals, 90)
    expected = np.interp(0.1, *roc_curve(found.labels, found.scores)[:2])
    assert found.metrics["pd_at_fpr10"] == pytest.approx(expected)


def test_a_wrong_certainty_is_counted_in_the_last_bin() -> None:
    """By the authors' bins the real image at 1 would cost nothing."""
    logits = np.array([50.0, -50.0, 50.0, 50.0])
    assert scored(logits, np.array([0, 0, 1, 1])).metrics["ece_balanced"] == pytest.approx(0.25)


@pytest.mark.parametrize("label", [0, 1])
def test_of_one_label_they_are_undefined(label: int) -> None:
    found = scored(np.array([-1.0, 2.0]), np.full(2, label)).metrics
    assert all(math.isnan(found[name]) for name in NAMES)


def test_replicates_are_those_of_the_images_drawn() -> None:
    """Whole origins are drawn, so that the labels' numbers differ from replicate to replicate."""
    found = drawn(40, 80)
    identity = np.arange(120)
    strata = images(found.labels, map(str, identity), [f"o{at % 17}" for at in identity])
    counts = next(resample(strata, identity, 120, 0))
    first = np.repeat(identity, (counts.real + counts.fake)[0].astype(int))
    assert (found.labels[first] == 0).sum() != 40
    made = replicates(found, strata, identity)
    redrawn = ScoredImages(found.labels[first], found.scores[first], found.logits[first], 0.5)
    for name in ("nll_balanced", "pd_at_fpr10"):
        assert made[name][0] == pytest.approx(redrawn.metrics[name])
    assert "ece_balanced" not in made
