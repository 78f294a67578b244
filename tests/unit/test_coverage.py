"""Leaving images out never pays: not in a rank, not in a mean, not without a sign beside the number."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.metrics.metric_values import rankings
from forenbench.records.coverage import WRONG, mark_counted, pack, unpack
from forenbench.records.store import Store
from forenbench.tables import leaderboard
from forenbench.tables.pairs import compare
from forenbench.tables.rendering import STYLES, render

LABELS = [0] * 120 + [1] * 120
TRUTH = np.array(LABELS)


def scores(seed: int, apart: float) -> list[float]:
    return list(map(float, np.random.default_rng(seed).normal(size=240) + apart * TRUTH))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One detector that scores all 240; one that scores four, all right; one without its worst third."""
    store = Store(tmp_path / "run")
    picky = scores(1, 1.0)
    worst = np.argsort(np.where(TRUTH == 1, picky, -np.array(picky)))[:80]
    few = [at for at in range(240) if at not in (0, 1, 238, 239)]
    add(store, "whole", "gan", scores(2, 1.2), LABELS, threshold=0.6)
    add(store, "picky", "gan", picky, LABELS, status="failed", lost=list(map(int, worst)), threshold=0.6)
    add(store, "few", "gan", list(map(float, LABELS)), LABELS, status="nonfinite", lost=few, threshold=0.6)
    return store


def board(store: Store, failed_as: str = "missing", rank_by: str = "ap") -> pd.DataFrame:
    cells = tables.measure([store], failed_as=failed_as)
    return leaderboard.standings(cells, rank_by).set_index("detector")


def test_who_leaves_images_out_has_no_rank_and_beats_nobody(store: Store) -> None:
    found = board(store)
    assert found.index[0] == "whole"
    assert found["rank"].dropna().to_dict() == {"whole": 1}
    assert found["ranks"].to_dict() == {"whole": "1", "few": "", "picky": ""}
    assert found["unranked"].to_dict() == {
        "whole": "",
        "few": "236 images without a score that others scored",
        "picky": "80 images without a score that others scored",
    }
    assert found["marks"].to_dict() == {"whole": "", "few": "†", "picky": "†"}


@pytest.mark.parametrize("rank_by", rankings())
def test_images_that_count_as_errors_cost_ranks(store: Store, rank_by: str) -> None:
    found = board(store, "wrong", rank_by)
    assert list(found.index) == ["whole", "picky", "few"]
    assert found["rank"].tolist() == [1, 2, 3]
    assert set(found["marks"]) == {""}
    assert found.loc["few", "acc"] == pytest.approx(100 * 4 / 240)
    assert found.loc["few", "auroc"] < 1
    assert found.loc["few", "scored"] == 4


def test_images_that_nobody_scored_cost_no_rank_but_have_a_sign(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "good", "gan", PERFECT, status="unreadable")
    add(store, "poor", "gan", ONE_WRONG, status="unreadable")
    found = board(store)
    assert found["rank"].to_dict() == {"good": 1, "poor": 2}
    assert set(found["marks"]) == {"†"}


def test_equally_many_but_other_images_are_not_the_same_ones(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "good", "gan", PERFECT, status="unreadable", lost=[0])
    add(store, "poor", "gan", ONE_WRONG, status="unreadable", lost=[1])
    assert board(store)["rank"].isna().all()


def test_detectors_on_other_images_have_no_rank_beside_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("one", "two"):
        add(store, name, "gan", ONE_WRONG)
    add(store, "other", "gan", PERFECT, digest="d2", time="2026-03-03T00:00:00+00:00")
    found = board(store)
    assert found["rank"].dropna().to_dict() == {"one": 1, "two": 1}
    assert found.loc["other", "unranked"] == "other images than the others' of gan"


@pytest.mark.slow
def test_every_number_on_partial_coverage_is_marked_in_every_format(store: Store, tmp_path: Path) -> None:
    detectors = {"whole": False, "few": True, "picky": True}
    for name in ("acc-ap", "summary", "cells", "error-rates", "thresholds", "robustness", "real-sources"):
        table = tables.make(name, [store])
        for style in STYLES:
            text = render(table, style)
            if style == "json":
                text = "\n".join(f"{one['detector']} {one['marks']}" for one in json.loads(text)["values"])
            lines = [line.lstrip("| ") for line in text.splitlines()]
            rows = {one: "".join(line for line in lines if line.startswith(one)) for one in detectors}
            words = dict.fromkeys(("tidy", "json"), "not all images scored")
            sign = {"latex": "\\dag{}", **words}.get(style, "†")
            assert {one: sign in row for one, row in rows.items()} == detectors, (name, style)
        assert "those left out may be the hardest ones: few, picky" in " ".join(table.notes), name
    csv_file, markdown = leaderboard.write(tables.measure([store]), tmp_path)
    with csv_file.open(encoding="utf-8") as file:
        signs = {row["detector"]: row["marks"] for row in csv.DictReader(file)}
    assert signs == {"whole": "", "few": "†", "picky": "†"}
    lines = markdown.read_text(encoding="utf-8").splitlines()
    assert ["†" in line for line in lines if line.startswith("|")][2:] == [False, True, True]
    reason = "No rank: few (sample) on data under none, protocol all: 236 images without a score that others"
    assert reason in "".join(lines)


def test_numbers_of_csv_stay_numbers(store: Store) -> None:
    lines = render(tables.make("cells", [store]), "csv").splitlines()
    rows = {row["detector"]: row for row in csv.DictReader(lines)}
    assert float(rows["few"]["Acc."]) == 100
    assert rows["few"]["Acc. marks"] == "†"
    assert rows["whole"]["Acc. marks"] == ""


def test_comparisons_that_leave_images_out_are_marked_or_count_them_as_errors(store: Store) -> None:
    key = ("whole (sample)", "picky (sample)", "data/gan", "AUROC")
    missing, wrong = (compare([store], ["whole", "picky"], failed_as) for failed_as in ("missing", "wrong"))
    assert missing.marks is not None
    assert wrong.marks is not None
    assert missing.frame.loc[key, "images"] == 160
    assert missing.frame.loc[key, "difference"] < 0
    assert set(missing.marks.loc[key]) == {"†"}
    assert any("those left out may be the hardest" in note for note in missing.notes)
    assert wrong.frame.loc[key, "images"] == 240
    assert wrong.frame.loc[key, "difference"] > 0
    assert float(wrong.frame.loc[key, "p, Holm"]) < 0.05
    assert float(wrong.frame.loc[key, "p, cross-check"]) < 0.05
    assert set(wrong.marks.loc[key]) == {""}


def test_a_worst_test_set_is_marked_where_any_other_could_be_worse(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "whole", ONE_WRONG)
    add(store, "d", "partly", PERFECT, place=1, status="failed")
    table = tables.make("summary", [store])
    assert table.marks is not None
    assert table.frame.iloc[0]["worst on"] == "whole"
    assert table.marks.iloc[0]["A.P., worst"] == "†"


def test_errors_in_place_of_scores_have_no_probability(store: Store) -> None:
    cells = tables.measure([store], failed_as=WRONG).set_index("detector")
    assert cells.loc["few", ["nll", "brier", "ece"]].isna().all()
    assert "count as errors" in cells.loc["few", "no_probabilities"]
    assert cells.loc["few", ["real", "fake", "ok"]].tolist() == [120, 120, 4]
    notes = " ".join(tables.make("cells", [store], failed_as=WRONG).notes)
    assert "404 of 720 images scored; the others count as errors (--failed-as wrong)" in notes
    assert "†" not in notes


def test_both_ways_of_counting_are_remembered_beside_each_other(store: Store) -> None:
    for _ in range(2):
        for failed_as, expected in (("missing", 1), (WRONG, 4 / 240)):
            cells = tables.measure([store], failed_as=failed_as).set_index("detector")
            assert cells.loc["few", "acc"] == pytest.approx(expected)


def test_other_ways_of_counting_are_refused(store: Store) -> None:
    with pytest.raises(BenchError, match="failed_as 'right' is none of missing, wrong"):
        tables.measure([store], failed_as="right")
    with pytest.raises(BenchError, match="rank_by 'acc' is none of ap, auroc, bacc"):
        board(store, rank_by="acc")


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_which_images_were_not_scored_can_be_written_down(unscored: list[bool]) -> None:
    mask = np.array(unscored)
    assert unpack(pack(mask), len(mask)).tolist() == unscored
    assert (pack(mask) == "") == (not mask.any())


def test_an_image_without_a_score_is_on_the_wrong_side_of_everything() -> None:
    columns = {"label": [0, 1, 0, 1, 1], "score": [0.25, 3.0, np.nan, np.nan, np.nan]}
    rows = pd.DataFrame({**columns, "status": ["ok", "ok", "failed", "nonfinite", "unreadable"]})
    mark_counted(rows, WRONG, [7.0])
    assert rows["score"].tolist() == [0.25, 3.0, 8.0, -0.75, -1.75]
    assert rows["counted"].all()
    nothing = rows.assign(status="failed", score=np.nan)
    mark_counted(nothing, WRONG, [0.5])
    assert nothing["score"].tolist() == [1.5, -0.5, 1.5, -1.5, -2.5]


def test_scoring_nothing_is_worth_no_more_than_ranking_all_reals_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "reversed", "gan", [0.8, 0.9, 0.1, 0.2])
    add(store, "silent", "gan", PERFECT, status="failed", lost=4)
    found = board(store, WRONG)
    assert found["rank"].tolist() == [1, 1]
    assert found["ap"].tolist() == pytest.approx([100 * (1 / 3 + 2 / 4) / 2] * 2)


def test_accuracy_on_one_label_is_in_no_mean(tmp_path: Path) -> None:
    """A detector that calls everything fake is perfect on fakes alone."""
    store = Store(tmp_path)
    for place, testset in enumerate(["fakes", "both", "more"]):
        labels = [1] * 4 if testset == "fakes" else None
        add(store, "yes", testset, [0.9] * 4, labels, place=place)
    cells = tables.measure([store])
    wide, summary, robust = (tables.TABLES[name].make(cells) for name in ("acc-ap", "summary", "robustness"))
    assert wide.marks is not None
    assert wide.frame["fakes", "Acc."].item() == 100
    assert wide.marks["fakes", "Acc."].item() == "‡"
    assert wide.frame["Mean", "Acc."].item() == wide.frame["Mean", "A.P."].item() == 50
    assert wide.marks["Mean", "Acc."].item() == ""
    assert summary.frame[["test sets", "images", "Acc., macro", "Acc., micro"]].iloc[0].tolist() == [
        2,
        8,
        50,
        50,
    ]
    assert robust.frame["none", "", "Acc."].item() == 50
    assert board(store)[["testsets", "acc", "rank"]].iloc[0].tolist() == [2, 50, 1]
    for table in (wide, summary, robust):
        assert "‡ test sets of one label: data/fakes (fakes only)." in " ".join(table.notes)
    add(store, "no", "both", [0.1] * 4)
    add(store, "no", "more", [0.1] * 4)
    add(store, "no", "fakes", [0.1] * 4, [1] * 4, place=2)
    assert set(compare([store]).frame.xs("Mean", level="testset")["first"]) == {50}


def test_fakes_alone_have_neither_mean_nor_rank(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for place, testset in enumerate(["sd", "dalle"]):
        add(store, "yes", testset, [0.9] * 4, [1] * 4, place=place)
    cells = tables.measure([store])
    assert tables.TABLES["acc-ap"].make(cells).frame["Mean"].isna().all(axis=None)
    assert tables.TABLES["summary"].make(cells).frame["Acc., macro"].isna().all()
    found = board(store).iloc[0]
    assert (found["ranks"], found["unranked"], found["testsets"]) == ("", "no test set with both labels", 0)
    assert pd.isna(found["rank"])
    assert pd.isna(found["acc"])


def test_reals_that_all_failed_do_not_make_a_test_set_one_of_fakes(tmp_path: Path) -> None:
    """Else it would leave the mean, which would pay."""
    store = Store(tmp_path)
    add(store, "d", "easy", PERFECT)
    add(store, "d", "hard", ONE_WRONG, place=1, status="failed", lost=[0, 1])
    table = tables.make("acc-ap", [store])
    assert table.frame["easy", "Acc."].item() == 100
    for column in (("hard", "Acc."), ("Mean", "Acc."), ("Mean", "A.P.")):
        assert np.isnan(table.frame[column].item()), column
    assert table.marks is not None
    assert table.marks["Mean", "Acc."].item() == "†"


def test_accuracy_of_fakes_that_alone_were_scored_is_none(tmp_path: Path) -> None:
    """Who calls everything fake would else be perfect wherever it skips the reals."""
    store = Store(tmp_path)
    add(store, "yes", "set", [0.9] * 4, [0, 0, 1, 1], status="failed", lost=[0, 1])
    (cell,) = tables.measure([store]).to_dict("records")
    assert np.isnan([cell["acc"], cell["acc_low"], cell["f1"], cell["oracle_acc"]]).all()
    assert cell["fake_acc"] == 1
    assert "acc" not in cell["replicates"]
    (wrong,) = tables.measure([store], failed_as=WRONG).to_dict("records")
    assert wrong["acc"] == 0.5


def test_where_labels_are_unbalanced_other_orders_by_other_metrics_are_said(tmp_path: Path) -> None:
    """Many fakes at the very top win A.P., however many of the others are lost among the reals."""
    labels = [0] * 500 + [1] * 20
    top = [at / 500 for at in range(500)] + [2.0] * 12 + [-1.0] * 8
    even = [at / 500 for at in range(500)] + [0.9] * 20
    stores = [Store(tmp_path / name) for name in ("unbalanced", "balanced")]
    for name, values in {"top": top, "even": even}.items():
        add(stores[0], name, "gan", values, labels)
        add(stores[1], name, "gan", values[480:], labels[480:])
    cells, balanced = (tables.measure([store]) for store in stores)
    found = leaderboard.standings(cells)
    assert found["detector"].tolist() == ["top", "even"]
    assert found[["real", "fake"]].iloc[0].tolist() == [500, 20]
    notes = list(leaderboard.remarks(cells, found))
    (said,) = (note for note in notes if "AUROC" in note)
    assert "Labels are not balanced, and by AUROC the order is another one, on data under none" in said
    assert "(500 real, 20 fake): even, top (--rank-by auroc)" in said
    assert leaderboard.standings(cells, "auroc")["detector"].tolist() == ["even", "top"]
    notes = list(leaderboard.remarks(balanced, leaderboard.standings(balanced)))
    assert not any("balanced" in note and "order" in note for note in notes)
