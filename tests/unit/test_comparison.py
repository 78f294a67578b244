"""Paired tests against definitions, other implementations, and what they promise where nothing differs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from forenbench.comparison import auroc_error, bootstrap_p, delong, holm, mcnemar


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


def test_a_bootstrap_p_value_is_never_zero() -> None:
    assert bootstrap_p(np.full(999, 0.3)) == pytest.approx(2 / 1000)
    assert bootstrap_p(np.linspace(-1, 1, 1001)) == 1.0
    assert bootstrap_p(np.zeros(50)) == 1.0
