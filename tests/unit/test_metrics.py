"""Metrics against scikit-learn, against definitions written out, and as properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
    roc_curve,
)

from forenbench.metrics import classification as metrics
from forenbench.metrics.decisions import Decisions, correlation
from forenbench.metrics.metric_values import decide, rank

Rows: TypeAlias = tuple[metrics.Labels, metrics.Scores]

# A few distinct values make ties common; the scores of detectors are float32.
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(-100, 100, width=32))
RANKINGS = [metrics.average_precision, metrics.auroc]


@st.composite
def rows(draw: st.DrawFn, two_classes: bool = True) -> Rows:
    """Labels and scores of 2 to 30 images, with both labels present unless told otherwise."""
    labels = draw(st.lists(st.integers(0, 1), min_size=0, max_size=28)) + [0, 1] * two_classes
    labels = draw(st.permutations(labels))
    scores = draw(st.lists(SCORES, min_size=len(labels), max_size=len(labels)))
    return np.array(labels, dtype=np.int64), np.array(scores)


def everything(labels: metrics.Labels, scores: metrics.Scores, threshold: float) -> dict[str, float]:
    return rank(labels, scores) | decide(labels, scores, threshold)


def slow_average_precision(labels: metrics.Labels, scores: metrics.Scores) -> float:
    """Sum of precision times gain in recall over the distinct thresholds, from high to low."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        hits = labels[scores >= threshold]
        gained = hits.sum() / labels.sum()
        total += hits.mean() * (gained - recall)
        recall = gained
    return total


def slow_auroc(labels: metrics.Labels, scores: metrics.Scores) -> float:
    pairs = [
        (fake > real) + (fake == real) / 2 for fake in scores[labels == 1] for real in scores[labels == 0]
    ]
    return np.mean(pairs)


def slow_best_threshold(labels: metrics.Labels, scores: metrics.Scores) -> float:
    """The search as detectors.md describes it, in quadratic time."""
    half = len(scores) // 2
    if scores[:half].max() <= scores[half:].min():
        return (scores[:half].max() + scores[half:].min()) / 2
    best, found = -1, math.nan
    for threshold in scores:
        correct = sum((scores >= threshold) == labels)
        if correct >= best:
            best, found = correct, threshold
    return found


@pytest.mark.slow
@settings(deadline=None)
@given(rows())
def test_rankings_equal_scikit_learn_and_their_definitions(data: Rows) -> None:
    labels, scores = data
    ap, auroc = metrics.average_precision(labels, scores), metrics.auroc(labels, scores)
    assert ap == average_precision_score(labels, scores)
    assert auroc == roc_auc_score(labels, scores)
    assert ap == pytest.approx(slow_average_precision(labels, scores), abs=1e-12)
    assert auroc == pytest.approx(slow_auroc(labels, scores), abs=1e-12)


@pytest.mark.slow
@settings(deadline=None)
@given(rows(), SCORES)
def test_accuracies_equal_scikit_learn(data: Rows, threshold: float) -> None:
    labels, scores = data
    fake, found = scores > threshold, decide(labels, scores, threshold)
    assert found["acc"] == metrics.accuracy(labels, scores, threshold) == accuracy_score(labels, fake)
    assert found["real_acc"] == np.mean(~fake[labels == 0])
    assert found["fake_acc"] == np.mean(fake[labels == 1])
    assert found["bacc"] == balanced_accuracy_score(labels, fake)
    assert found["f1"] == f1_score(labels, fake, zero_division=0.0)
    assert found["hard_ap"] == pytest.approx(average_precision_score(labels, fake), abs=1e-12)
    if 0 < fake.sum() < len(fake):
        assert found["mcc"] == matthews_corrcoef(labels, fake)
    else:
        assert math.isnan(found["mcc"])


def test_the_correlation_of_millions_of_images_is_exact() -> None:
    """The product of the four counts is beyond 64 bits."""
    few, many = (Decisions(2 * n, n, n // 2, n // 2 + n // 4) for n in (4, 4 * 10**6))
    assert correlation(many) == pytest.approx(correlation(few), rel=1e-12)
    assert correlation(few) == pytest.approx(
        matthews_corrcoef([0] * 8 + [1] * 4, [1, 1] + [0] * 6 + [1, 1, 1, 0])
    )


def test_metrics_of_many_images_are_scikit_learns_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    for images in (129, 1_000, 20_001):  # of more than 128 numbers a sum depends on their order
        for share, decimals in ((0.5, 9), (0.5, 2), (0.02, 3)):
            labels = (random.random(images) < share).astype(np.int64)
            scores = np.round(random.normal(size=images) + labels, decimals)
            ranked, decided = rank(labels, scores), decide(labels, scores, 0.6)
            assert ranked["ap"] == average_precision_score(labels, scores)
            assert ranked["auroc"] == roc_auc_score(labels, scores)
            assert decided["f1"] == f1_score(labels, scores > 0.6)
            assert decided["mcc"] == matthews_corrcoef(labels, scores > 0.6)
            curve = metrics.Ranked.of(labels, scores).curve
            for ours, theirs in zip(curve, roc_curve(labels, scores, drop_intermediate=False), strict=False):
                assert np.array_equal(ours, theirs)


@settings(deadline=None)
@given(rows(), st.sampled_from([0.0, 0.01, 0.05, 0.3, 0.5, 0.95, 1.0]))
def test_rates_at_fixed_rates_are_those_of_the_best_threshold(data: Rows, share: float) -> None:
    labels, scores = data
    real, fake, curve = scores[labels == 0], scores[labels == 1], metrics.Ranked.of(labels, scores).curve
    points = [(np.mean(real >= at), np.mean(fake >= at)) for at in [*scores, math.inf]]
    assert metrics.tpr_at(curve, share) == max(found for alarms, found in points if alarms <= share)
    assert metrics.fpr_at(curve, share) == min(alarms for alarms, found in points if found >= share)


def test_equal_error_rate_is_exact_at_a_point_and_straight_between_points() -> None:
    labels = np.repeat([0, 1], 4)
    assert (
        metrics.equal_error_rate(metrics.Ranked.of(labels, np.array([1, 2, 3, 6, 4, 5, 7, 8])).curve) == 0.25
    )
    # (FPR, TPR) goes from (0, 0) straight to (1, 1): all scores are equal
    assert metrics.equal_error_rate(metrics.Ranked.of(labels, np.zeros(8)).curve) == 0.5
    # from (0, 1/2) to (1/2, 1): FPR = 1 - TPR at (1/4, 3/4)
    assert (
        metrics.equal_error_rate(metrics.Ranked.of(labels, np.array([0, 0, 1, 1, 1, 1, 2, 2])).curve) == 0.25
    )


@settings(deadline=None)
@given(rows())
def test_equal_error_rate_lies_on_the_curve(data: Rows) -> None:
    curve = metrics.Ranked.of(*data).curve
    rate = metrics.equal_error_rate(curve)
    excess = curve.fpr + curve.tpr - 1
    before, after = int(np.sum(excess < 0)) - 1, int(np.argmax(excess >= 0))
    assert curve.fpr[before] - 1e-12 <= rate <= curve.fpr[after] + 1e-12
    assert 1 - curve.tpr[after] - 1e-12 <= rate <= 1 - curve.tpr[before] + 1e-12


@settings(deadline=None)
@given(rows())
def test_best_threshold_is_the_published_search(data: Rows) -> None:
    assert metrics.best_threshold(*data) == slow_best_threshold(*data)


@settings(deadline=None)
@given(rows())
def test_best_threshold_is_the_published_search_on_reals_then_fakes(data: Rows) -> None:
    labels, scores = np.sort(data[0]), data[1]
    assert metrics.best_threshold(labels, scores) == slow_best_threshold(labels, scores)


@settings(deadline=None)
@given(rows(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(data: Rows, random: Random) -> None:
    labels, scores = data
    order = random.sample(range(len(labels)), len(labels))
    shuffled = everything(labels[order], scores[order], 0.5)
    assert shuffled == pytest.approx(everything(labels, scores, 0.5), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("metric", RANKINGS)
@settings(deadline=None)
@given(data=rows())
def test_rankings_depend_on_the_order_of_scores_only(
    metric: Callable[[metrics.Labels, metrics.Scores], float], data: Rows
) -> None:
    labels, scores = data
    ranks = np.unique(scores, return_inverse=True)[1]
    assert metric(labels, np.exp(ranks / 4.0) - 7) == pytest.approx(metric(labels, scores), abs=1e-12)


@settings(deadline=None)
@given(rows())
def test_swapped_labels_and_scores_mirror_auroc(data: Rows) -> None:
    labels, scores = data
    assert metrics.auroc(1 - labels, scores) == pytest.approx(1 - metrics.auroc(labels, scores), abs=1e-12)
    assert metrics.auroc(1 - labels, -scores) == pytest.approx(metrics.auroc(labels, scores), abs=1e-12)


@settings(deadline=None)
@given(rows(two_classes=False))
def test_every_value_is_in_bounds_or_undefined_for_a_reason(data: Rows) -> None:
    labels, scores = data
    summary = everything(labels, scores, 0.5)
    lowest = {"mcc": -1}
    for name, value in summary.items():
        assert math.isnan(value) or lowest.get(name, 0) - 1e-12 <= value <= 1 + 1e-12
    for name in ("ap", "auroc", "eer", "tpr_at_fpr1", "tpr_at_fpr5", "fpr_at_tpr95", "bacc"):
        assert math.isnan(summary[name]) == bool(metrics.why_undefined(labels))


def test_f1_of_no_fakes_is_undefined_whatever_is_called_fake() -> None:
    reals = np.zeros(3, np.int64)
    for scores in ([0.1, 0.2, 0.3], [0.1, 0.2, 0.9]):
        assert math.isnan(decide(reals, np.array(scores), 0.5)["f1"])


@settings(deadline=None)
@given(rows(), SCORES)
def test_accuracy_is_the_weighted_mean_of_both_labels(data: Rows, threshold: float) -> None:
    labels, scores = data
    found = decide(labels, scores, threshold)
    parts = [np.mean(labels == label) * found[name] for label, name in enumerate(("real_acc", "fake_acc"))]
    assert found["acc"] == pytest.approx(sum(parts), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "why", "defined"),
    [
        ([], "no images", set()),
        ([0, 0], "no fake images", {"acc", "real_acc"}),
        ([1, 1], "no real images", {"acc", "fake_acc", "f1"}),
        (
            [0, 1],
            "",
            {"acc", "real_acc", "fake_acc", "bacc", "f1", "hard_ap", "ap", "auroc", "eer"}
            | {"tpr_at_fpr1", "tpr_at_fpr5", "pd_at_fpr10", "fpr_at_tpr95"},
        ),
    ],
)
def test_undefined_values_are_nan_with_a_reason(labels: list[int], why: str, defined: set[str]) -> None:
    labels = np.array(labels, dtype=np.int64)
    summary = everything(labels, np.full(len(labels), 0.3), 0.5)
    assert {name for name, value in summary.items() if not math.isnan(value)} == defined
    assert metrics.why_undefined(labels) == why
    assert math.isnan(metrics.best_threshold(labels, np.full(len(labels), 0.3))) == bool(why)


def test_scores_equal_to_the_threshold_are_real() -> None:
    found = decide(np.array([0, 1]), np.array([0.5, 0.5]), 0.5)
    assert found["real_acc"] == 1
    assert found["fake_acc"] == 0


def test_float32_scores_meet_the_threshold_in_double_precision() -> None:
    score = np.array([0.1], dtype=np.float32)  # a little above 0.1
    assert metrics.accuracy(np.array([1]), score, 0.1) == 1


def test_equal_scores_are_chance() -> None:
    labels, scores = np.array([0, 0, 0, 1]), np.zeros(4)
    assert metrics.average_precision(labels, scores) == 0.25
    assert metrics.auroc(labels, scores) == 0.5


def test_saturated_float32_sigmoid_ties() -> None:
    logits = np.array([18, 25, 17, 40], dtype=np.float32)
    labels, scores = np.array([0, 0, 1, 1]), 1 / (1 + np.exp(-logits))
    assert scores.tolist() == [1, 1, 1, 1]
    assert metrics.auroc(labels, scores) == 0.5
    assert metrics.auroc(labels, logits) == 0.5
    assert metrics.average_precision(labels, scores) != metrics.average_precision(labels, logits)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="1 of 2 scores are not finite"):
        everything(np.array([0, 1]), np.array([0.5, bad]), 0.5)


@pytest.mark.parametrize(
    ("labels", "scores", "threshold", "words"),
    [
        ([0, 1], [0.5], 0.5, r"shapes \(2,\) and \(1,\)"),
        ([[0, 1]], [[0.5, 0.5]], 0.5, "one label for every score"),
        ([0, 2], [0.5, 0.6], 0.5, "not 2"),
        ([0, 1], [0.5, 0.6], math.nan, "threshold is NaN"),
    ],
)
def test_wrong_requests_are_refused(
    labels: ArrayLike, scores: ArrayLike, threshold: float, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        everything(np.array(labels), np.array(scores), threshold)


def test_best_threshold_of_many_rows_is_fast() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200_000)
    threshold = metrics.best_threshold(labels, labels + random.normal(size=len(labels)))
    assert threshold == pytest.approx(0.5, abs=0.1)
