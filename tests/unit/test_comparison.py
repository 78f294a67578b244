"""Paired tests against definitions, other implementations, and what they promise where nothing differs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, t
from sklearn.metrics import roc_auc_score

from forenbench.statistics.bootstrap import images
from forenbench.statistics.comparison import auroc_error, bootstrap_p, delong, holm, mcnemar
from forenbench.statistics.intervals import Scored, replicates


def scores(random: np.random.Generator, number: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat([0, 1], number)
    return labels, np.round(random.normal(size=2 * number) + apart * labels, 1)  # rounded: ties


def test_delong_is_the_variance_of_placements_written_out() -> None:
    labels, first = scores(np.random.default_rng(1), 30, 1.0)
    real, fake = first[labels == 0], first[labels == 1]
    better = (fake[:, None] > real) + 0.5 * (fake[:, None] == real)
    variance = better.mean(1).var(ddof=1) / len(fake) + better.mean(0).var(ddof=1) / len(real)
    assert auroc_error(labels, first) == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert better.mean() == pytest.approx(roc_auc_score(labels, first))


def test_delong_of_a_detector_with_itself_finds_no_difference() -> None:
    labels, first = scores(np.random.default_rng(2), 30, 1.0)
    assert delong(labels, first, first) == (0.0, 1.0)


def test_delong_is_undefined_between_detectors_that_never_waver() -> None:
    """One puts every image of seven and seven on the right side, the other all on the same."""
    labels = np.repeat([0, 1], 7)
    assert delong(labels, labels, labels * 3.0) == (0.0, 1.0)
    error, p_value = delong(labels, labels, np.full(14, 0.1))
    assert error == 0
    assert np.isnan(p_value)


def test_delong_of_a_perfect_detector_is_the_spread_of_the_other() -> None:
    labels, first = scores(np.random.default_rng(2), 30, 1.0)
    error, p_value = delong(labels, labels, first)
    assert error == pytest.approx(auroc_error(labels, first))
    assert p_value == pytest.approx(2 * norm.sf((1 - roc_auc_score(labels, first)) / error))


def test_delong_against_noise_tells_what_mann_and_whitney_do() -> None:
    """The other detector is constant: AUROC 1/2 exactly, without spread."""
    labels, first = scores(np.random.default_rng(3), 200, 0.25)
    _, p_value = delong(labels, first, np.zeros(400))
    known = mannwhitneyu(first[labels == 1], first[labels == 0], method="asymptotic", use_continuity=False)
    assert p_value == pytest.approx(known.pvalue, rel=0.05)


def test_delong_rarely_sees_a_difference_where_there_is_none() -> None:
    random, rejected = np.random.default_rng(4), 0
    for _ in range(400):
        labels = np.repeat([0, 1], 40)
        shared = random.normal(size=80) + labels
        pair = [shared + random.normal(size=80) for _ in range(2)]
        rejected += delong(labels, *pair)[1] < 0.05
    assert rejected / 400 == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 400))


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"), [(0, 0, 1.0), (5, 0, 2 / 32), (3, 1, 10 / 16)]
)
def test_mcnemar_counts_the_images_that_only_one_gets_right(
    only_first: int, only_second: int, expected: float
) -> None:
    first = np.array([True] * only_first + [False] * only_second + [True, False, True])
    second = np.array([False] * only_first + [True] * only_second + [True, False, True])
    assert mcnemar(first, second) == pytest.approx(expected)


def test_holm_on_the_example_of_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm([0.5, float("nan"), 0.9])
    assert adjusted[0] == 1.0
    assert np.isnan(adjusted[1])
    assert adjusted[2] == 1.0
    assert holm([]) == []


def test_a_bootstrap_p_value_is_the_share_of_replicates_beyond_zero() -> None:
    assert bootstrap_p(np.linspace(-1, 1, 1001)) == 1.0
    assert bootstrap_p(np.array([-1.0, -1.0, *np.arange(1, 998)])) == pytest.approx(2 * 3 / 1000)
    assert bootstrap_p(-np.array([-1.0, -1.0, *np.arange(1, 998)])) == pytest.approx(2 * 3 / 1000)
    assert bootstrap_p(np.array([-1.0, -1.0, *np.linspace(9, 11, 997)])) == pytest.approx(2 * 3 / 1000)
    assert bootstrap_p(np.zeros(50)) == 1.0


def test_a_bootstrap_p_value_without_replicates_beyond_zero_is_the_normal_tail() -> None:
    draws = norm.ppf((np.arange(999) + 0.5) / 999)
    p_value = bootstrap_p(draws + 6)
    assert p_value == pytest.approx(2 * norm.sf(6), rel=0.2)
    assert bootstrap_p(-draws - 6) == pytest.approx(p_value)
    assert bootstrap_p(draws + 9, origins=11) == pytest.approx(2 * t(10).sf(9), rel=0.2)
    assert bootstrap_p(draws + 6, origins=5) == pytest.approx(2 / 1000)  # five can show no more


def test_a_bootstrap_p_value_is_never_zero_where_replicates_do_not_differ() -> None:
    assert bootstrap_p(np.full(999, 0.3)) == pytest.approx(2 / 1000)
    assert np.isnan(bootstrap_p(np.full(5, np.nan)))


@pytest.mark.slow
def test_among_equal_detectors_a_difference_is_seen_as_rarely_as_promised() -> None:
    """Of each pair in 5 % of benchmarks; after Holm, of any pair. Bounds: four standard errors above 5 %."""
    random, runs, labels = np.random.default_rng(5), 60, np.repeat([0, 1], 35)
    seen, any_seen = [], 0
    for run in range(runs):
        drawn = images(labels, [f"{run}/{at}" for at in range(70)])
        shared = random.normal(size=70) + 2 * labels
        found = [
            replicates(Scored(labels, shared + random.normal(size=70), None, 1.0), drawn, np.arange(70))["ap"]
            for _ in range(10)
        ]
        p_values = [bootstrap_p(one - other) for one, other in combinations(found, 2)]
        seen.append(np.mean(np.array(p_values) < 0.05))
        any_seen += min(holm(p_values)) < 0.05
    assert 0 < np.mean(seen) < 0.05 + 4 * np.std(seen) / np.sqrt(runs)
    assert any_seen / runs < 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)
