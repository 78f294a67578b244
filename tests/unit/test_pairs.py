"""Comparisons pair images, find what was planted, and refuse what cannot be paired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_cells import add

from forenbench.comparison import delong
from forenbench.pairs import compare
from forenbench.rendering import render
from forenbench.store import Store
from forenbench.types import BenchError

LABELS = [0] * 60 + [1] * 60


def scores(seed: int, apart: float) -> list[float]:
    """What a detector gives: the image's own difficulty, which all share, and its own noise."""
    shared = np.random.default_rng(0).normal(size=120)
    own = np.random.default_rng(seed).normal(size=120)
    return list(map(float, shared + 0.3 * own + apart * np.array(LABELS)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "run")
    for place, testset in enumerate(["a", "b"]):
        add(store, "strong", testset, scores(10 + place, 2.0), LABELS, place=place)
        add(store, "weak", testset, scores(20 + place, 1.0), LABELS, place=place)
        add(store, "twin", testset, scores(30 + place, 2.0), LABELS, place=place)
    return store


def test_a_better_detector_is_told_from_a_worse_one_and_not_from_its_twin(store: Store) -> None:
    frame = compare([store], ["strong", "weak", "twin"]).frame
    strong, weak, twin = "strong (sample)", "weak (sample)", "twin (sample)"
    worse = frame.loc[(strong, weak, "Mean", "none", "AUROC")]
    assert worse["low"] > 0
    assert worse["p, Holm"] < 0.05
    assert worse["difference"] == pytest.approx(worse["first"] - worse["second"])
    equal = frame.loc[(strong, twin, "Mean", "none", "AUROC")]
    assert equal["low"] < 0 < equal["high"]
    assert equal["p"] > 0.05
    assert (weak, twin) not in {key[:2] for key in frame.index}


def test_the_cross_check_of_auroc_is_delongs_and_agrees(store: Store) -> None:
    row = compare([store], ["strong", "weak"]).frame.loc[
        ("strong (sample)", "weak (sample)", "data/a", "none", "AUROC")
    ]
    stored = [np.array(scores(seed, apart), np.float32) for seed, apart in ((10, 2.0), (20, 1.0))]
    error, p_value = delong(np.array(LABELS), *stored)
    assert row["p, cross-check"] == pytest.approx(p_value)
    assert (row["high"] - row["low"]) / 100 == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_two_runs_are_compared_by_detector(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for place, testset in enumerate(["a", "b"]):
        add(other, "strong", testset, scores(10 + place, 2.0), LABELS, place=place)
    frame = compare([store, other]).frame
    assert {key[:2] for key in frame.index} == {("strong (sample) [1]", "strong (sample) [2]")}
    assert (frame["difference"] == 0).all()
    assert (frame["p"] == 1).all()


def test_other_images_are_refused(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    add(other, "strong", "a", scores(10, 2.0), LABELS, digest="another")
    with pytest.raises(BenchError, match="data/a has other images in"):
        compare([store, other])


@pytest.mark.parametrize(
    ("detectors", "words"),
    [(["strong", "gone"], "not in the run: gone"), (["strong"], "no test set and perturbation that both")],
)
def test_nothing_to_compare_is_an_error(store: Store, detectors: list[str], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        compare([store], detectors)


def test_failed_images_leave_the_others_paired(store: Store) -> None:
    add(store, "broken", "a", scores(10, 2.0), LABELS, status="failed")
    row = compare([store], ["strong", "broken"]).frame.loc[
        ("strong (sample)", "broken (sample)", "data/a", "none", "AUROC")
    ]
    assert abs(row["difference"]) < 1
    assert row["high"] - row["low"] < 2  # the same images: hardly any spread is left


@pytest.mark.parametrize("style", ["text", "csv", "markdown", "latex"])
def test_comparisons_print(store: Store, style: str) -> None:
    assert "p, Holm" in render(compare([store]), style)
