"""Comparisons pair images, find what was planted, and refuse what cannot be paired."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from stored_cells import add

from forenbench.errors import BenchError
from forenbench.metrics.comparison import delong
from forenbench.records.record import Record
from forenbench.records.store import Store
from forenbench.tables.pairs import compare
from forenbench.tables.rendering import render
from forenbench.tables.table import Table

LABELS = [0] * 60 + [1] * 60


def scores(seed: int, apart: float) -> list[float]:
    """What a detector gives: the image's own difficulty, which all share, and its own noise."""
    shared = np.random.default_rng(0).normal(size=120)
    own = np.random.default_rng(seed).normal(size=120)
    return list(map(float, shared + 0.3 * own + apart * np.array(LABELS)))


def row(table: Table, first: str, second: str, testset: str, metric: str = "AUROC") -> pd.Series:
    """Find a row, with the ends of its interval."""
    key = (f"{first} (sample)", f"{second} (sample)", testset, metric)
    ends = {"low": table.low.loc[key, "difference"], "high": table.high.loc[key, "difference"]}
    return pd.concat([table.frame.loc[key], pd.Series(ends)])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "run")
    for place, testset in enumerate(["a", "b"]):
        add(store, "strong", testset, scores(10 + place, 2.0), LABELS, place=place)
        add(store, "weak", testset, scores(20 + place, 1.0), LABELS, place=place)
        add(store, "twin", testset, scores(30 + place, 2.0), LABELS, place=place)
    return store


def test_a_better_detector_is_told_from_a_worse_one_and_not_from_its_twin(store: Store) -> None:
    table = compare([store], ["strong", "weak", "twin"])
    worse, equal = row(table, "strong", "weak", "Mean"), row(table, "strong", "twin", "Mean")
    assert worse["low"] > 0
    assert float(worse["p, Holm"]) < 0.05
    assert worse["difference"] == pytest.approx(worse["first"] - worse["second"])
    assert equal["low"] < 0 < equal["high"]
    assert float(equal["p"]) > 0.05
    assert ("weak (sample)", "twin (sample)") not in {key[:2] for key in table.frame.index}


def test_the_cross_check_of_auroc_is_delongs_and_agrees(store: Store) -> None:
    found = row(compare([store], ["strong", "weak"]), "strong", "weak", "data/a")
    stored = [np.array(scores(seed, apart), np.float32) for seed, apart in ((10, 2.0), (20, 1.0))]
    error, p_value = delong(np.array(LABELS), *stored)
    assert float(found["p, cross-check"]) == pytest.approx(p_value, rel=0.05)
    assert (found["high"] - found["low"]) / 100 == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_two_runs_are_compared_by_detector(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for place, testset in enumerate(["a", "b"]):
        add(other, "strong", testset, scores(10 + place, 2.0), LABELS, place=place)
    frame = compare([store, other]).frame
    assert {key[:2] for key in frame.index} == {("strong (sample) [1]", "strong (sample) [2]")}
    assert (frame["difference"] == 0).all()
    assert set(frame["p"]) == {"1"}


def test_other_images_are_refused(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    add(other, "strong", "a", scores(10, 2.0), LABELS, digest="another")
    with pytest.raises(BenchError, match="data/a has other images in"):
        compare([store, other])


@pytest.mark.parametrize(
    ("detectors", "words"),
    [(["strong", "gone"], "not in the run: gone"), (["strong"], r"only strong \(sample\) is there")],
)
def test_nothing_to_compare_is_an_error(store: Store, detectors: list[str], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        compare([store], detectors)


def test_images_that_one_did_not_score_count_for_neither(store: Store) -> None:
    """One that fails on the hardest reals, and is otherwise the same, is no better."""
    hardest = sorted(zip(scores(10, 2.0), LABELS, strict=True), key=lambda one: (one[1], -one[0]))
    values, labels = map(list, zip(*hardest, strict=True))
    add(store, "whole", "c", values, labels, place=2)
    add(store, "picky", "c", values, labels, place=2, status="failed", lost=20)
    found = row(compare([store], ["whole", "picky"]), "whole", "picky", "data/c")
    assert found["images"] == 100
    assert found["first"] == found["second"] == pytest.approx(100 * roc_auc_score(labels[20:], values[20:]))
    assert found[["p", "p, cross-check"]].tolist() == ["1", "1"]


def test_a_missing_image_changes_no_draw_of_the_others(store: Store) -> None:
    add(store, "broken", "a", scores(20, 1.0), LABELS, status="failed")
    table = compare([store], ["strong", "weak", "broken"])
    whole, partly = (row(table, "strong", name, "data/a") for name in ("weak", "broken"))
    for end in ("difference", "low", "high"):
        assert whole[end] == pytest.approx(partly[end], abs=0.5)


def test_tests_for_independent_images_are_left_out_where_images_share_origins(store: Store) -> None:
    """Also where one detector lacks an image, so that both are measured on the others."""
    labels, origins = [0] * 40 + [1] * 40, [f"o{at // 4}" for at in range(80)]
    for name, apart, status in (("strong", 3.0, "ok"), ("weak", 0.5, "ok"), ("picky", 3.0, "failed")):
        add(store, name, "crops", scores(1, apart)[:80], labels, origins=origins, status=status)
    table = compare([store], ["strong", "weak", "picky"])
    for other in ("weak", "picky"):
        found = row(table, "strong", other, "data/crops")
        assert found["p, cross-check"] == ""
    assert row(table, "strong", "weak", "data/a")["p, cross-check"]
    assert sum("independent" in note for note in table.notes) == 1


def test_the_rows_of_a_cell_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compare([store])
    read: list[str] = []
    rows = Store.rows

    def counting(self: Store, record: Record, columns: list[str]) -> pd.DataFrame:
        read.append("/".join(astuple(record.cell)))
        return rows(self, record, columns)

    monkeypatch.setattr(Store, "rows", counting)
    compare([store])
    assert len(read) == len(set(read)) == 6


def test_blanks_have_their_reason(store: Store) -> None:
    for name in ("strong", "weak"):
        add(store, name, "c", scores(1, 1.0)[60:], [1] * 60, place=2)
    table = compare([store], ["strong", "weak"])
    found = row(table, "strong", "weak", "data/c", "A.P.")
    assert found[["first", "difference", "low"]].isna().all()
    assert found[["p", "p, Holm"]].tolist() == ["", ""]
    assert "Blank on data/c: no real images." in table.notes
    assert row(table, "strong", "weak", "data/c", "Acc.")["images"] == 60


def test_few_origins_make_no_tiny_p_values(store: Store) -> None:
    """Five photographs, of each 24 crops: all resamples agree, and could not do otherwise."""
    origins = [f"photo {at % 5}" for at in range(120)]
    for name, apart in (("strong", 4.0), ("weak", 0.5)):
        add(store, name, "c", scores(1, apart), LABELS, place=2, origins=origins)
    table = compare([store], ["strong", "weak"])
    of_images, of_origins = (row(table, "strong", "weak", f"data/{testset}") for testset in "ac")
    assert float(of_images["p"]) < 1e-4 < float(of_origins["p"])
    assert any("take images for independent" in note for note in table.notes)
    assert of_origins["p, cross-check"] == ""


def test_of_one_fake_nothing_follows(store: Store) -> None:
    for name, seed in (("strong", 1), ("weak", 2)):
        add(store, name, "c", scores(seed, 1.0)[:61], [0] * 60 + [1], place=2)
    table = compare([store], ["strong", "weak"])
    found = row(table, "strong", "weak", "data/c")
    assert found[["p", "p, cross-check"]].tolist() == ["", ""]
    assert np.isnan(found["low"])
    assert any("one image only of a label" in note for note in table.notes)


def test_two_perfect_rankings_are_told_apart_by_nothing(store: Store) -> None:
    """Their A.P. is 1 in every resample, but for the last bits of sums in another order."""
    random = np.random.default_rng(5)
    for name in ("one", "other"):
        own = [float(value) for value in random.random(120) / 2 + np.array(LABELS)]
        add(store, name, "c", own, LABELS, place=2)
    table = compare([store], ["one", "other"])
    for metric in ("A.P.", "AUROC"):
        assert row(table, "one", "other", "data/c", metric)["p"] == "1"


def test_four_images_prove_nothing(store: Store) -> None:
    add(store, "one", "c", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], place=2)
    add(store, "other", "c", [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], place=2)
    table = compare([store], ["one", "other"])
    for metric in ("A.P.", "AUROC", "Acc."):
        assert row(table, "one", "other", "data/c", metric)["p"] == "0.5"


def test_runs_without_a_common_detector_are_told_apart(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for name in ("new", "newer"):
        add(other, name, "a", scores(10, 2.0), LABELS)
    with pytest.raises(BenchError, match=r"no detector is in both runs: strong \(sample\), .* in one, new"):
        compare([store, other])


@pytest.mark.parametrize("style", ["text", "csv", "markdown", "latex"])
def test_comparisons_print(store: Store, style: str) -> None:
    assert "p, Holm" in render(compare([store]), style)
