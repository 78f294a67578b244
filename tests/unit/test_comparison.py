"""Paired tests against definitions, other implementations, and what they promise where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm, t
from simulated import Benchmark, false_alarms
from sklearn.metrics import roc_auc_score

from forenbench.metrics.bootstrap import images
from forenbench.metrics.comparison import auroc_error, bootstrap_p, delong, holm, mcnemar
from forenbench.metrics.intervals import ScoredImages, replicates
from forenbench.metrics.rounding import lowest, ranks, same
from forenbench.metrics.spread import DIFFERENCE, interval, witnesses


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


def test_a_bootstrap_p_value_is_students_of_the_spread() -> None:
    draws = norm.ppf((np.arange(999) + 0.5) / 999)
    spread = draws.std() * np.sqrt(11 / 10)
    for difference in (2.0, -2.0, 9.0):
        expected = max(2 * t(10).sf(abs(difference) / spread), 2 / 2**11)
        assert bootstrap_p(difference, draws + difference, 11) == pytest.approx(expected)
    assert bootstrap_p(0.0, draws + 5, 11) == 1
    assert bootstrap_p(3.0, draws + 3, 60) == pytest.approx(
        2 * t(59).sf(3 / (draws.std() * np.sqrt(60 / 59)))
    )
    assert np.isnan(bootstrap_p(0.3, np.full(5, np.nan), 11))
    assert np.isnan(bootstrap_p(0.3, draws, 1)), "one image tells nothing of others"


def test_a_difference_is_significant_where_its_interval_is_clear_of_zero() -> None:
    draws = np.random.default_rng(1).normal(size=1000)
    for difference in np.linspace(-4, 4, 41):
        low, high = interval(draws + difference, difference, 8, DIFFERENCE)
        assert (low > 0 or high < 0) == (bootstrap_p(difference, draws + difference, 8) < 0.05)


def p_values(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Compare two detectors, thresholds at 1/2."""
    drawn, rows = images(labels, [f"{at}.png" for at in range(len(labels))]), np.arange(len(labels))
    ours, theirs = (ScoredImages(labels, scores, None, 0.5) for scores in (first, second))
    made, again = replicates(ours, drawn, rows), replicates(theirs, drawn, rows)
    number = int(min(np.bincount(labels)))
    return {
        name: bootstrap_p(ours.metrics[name] - theirs.metrics[name], made[name] - again[name], number)
        for name in ("ap", "auroc", "acc")
    }


@settings(deadline=None, max_examples=8)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32))
def test_two_perfect_rankings_do_not_differ(reals: int, fakes: int, seed: int) -> None:
    """However their scores are spread: sums in another order differ in their last bits."""
    random, labels = np.random.default_rng(seed), np.repeat([0, 1], [reals, fakes])
    pair = (labels * 0.6 + 0.4 * random.random(reals + fakes) for _ in range(2))
    assert p_values(labels, *pair) == {"ap": 1, "auroc": 1, "acc": 1}


@settings(deadline=None, max_examples=8)
@given(st.integers(2, 30), st.integers(2, 30))
def test_a_difference_that_is_the_same_in_all_resamples_is_no_surer_than_its_images(
    reals: int, fakes: int
) -> None:
    """One ranks perfectly, the other gives all the same score; of four images nothing follows."""
    labels = np.repeat([0, 1], [reals, fakes])
    found = p_values(labels, labels * 0.8 + 0.1, np.full(len(labels), 0.2))
    assert found["auroc"] == pytest.approx(2 * 0.5 ** min(reals, fakes))
    assert min(found.values()) >= 2 * 0.5 ** min(reals, fakes)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32), st.integers(2, 20))
def test_rounding_moves_no_p_value(seed: int, number: int) -> None:
    """Replicates and values that are off by the last bits tell the same."""
    random = np.random.default_rng(seed)
    draws = random.choice([0.0, 0.1, 0.2], 1000)
    noise = random.uniform(-1e-16, 1e-16, 1000)
    for values in (draws, np.zeros(1000), np.full(1000, 0.3)):
        exact = bootstrap_p(float(values.max()), values, number)
        assert bootstrap_p(float(values.max()) + 1e-16, values + noise, number) == pytest.approx(exact)


def test_equal_but_for_rounding_is_equal() -> None:
    third = 0.1 + 0.2  # 0.30000000000000004
    assert same(third, 0.3)
    assert not same(0.3, 0.3 + 1e-8)
    assert ranks([0.3, third, 0.5, float("nan"), 0.1]) == [2, 2, 1, None, 4]
    assert lowest([0.4, third, 0.3]) == 1
    assert lowest([float("nan"), 0.4, 0.3]) == 2
    assert lowest([float("nan")]) == 0


def test_the_spread_of_a_mean_is_known_from_its_smallest_part() -> None:
    cells = [{"real": 50, "fake": 9, "origins": 0}, {"real": 40, "fake": 80, "origins": 12}]
    assert witnesses(cells) == 9
    assert witnesses(cells[1:]) == 12
    assert witnesses([{"real": 0, "fake": 7, "origins": 0}]) == 7
    assert witnesses([{"real": 0, "fake": 0, "origins": 0}]) == witnesses([]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "detectors", "runs"), [("at chance", 2, 300), ("weak", 2, 200), ("weak", 6, 60)]
)
def test_among_equal_detectors_a_difference_is_seen_as_rarely_as_promised(
    name: str, detectors: int, runs: int
) -> None:
    """Of 10 and 10 images; after Holm, of any pair. Bounds: four standard errors above 5 %."""
    found = false_alarms(Benchmark(name, 10, 10), runs, detectors)
    bound = 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)
    for metric, (of_pairs, of_any) in found.items():
        assert of_pairs < bound, metric
        assert of_any < bound, metric


def test_a_planted_difference_is_seen() -> None:
    """AUROC 0.76 and 0.92 of 100 and 100 images that both find equally hard."""
    random, labels = np.random.default_rng(3), np.repeat([0, 1], 100)
    shared = random.normal(size=200)
    weak, good = (
        norm.cdf((shared + random.normal(size=200)) / np.sqrt(2) + apart * (labels - 0.5)) for apart in (1, 2)
    )
    assert max(p_values(labels, good, weak).values()) < 0.05
