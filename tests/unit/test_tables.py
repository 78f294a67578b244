"""Tables are made from rows alone, in the paper's layout, and never average over what is missing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.metrics.spread import interval
from forenbench.records.store import Store
from forenbench.tables import leaderboard
from forenbench.tables.contamination import seen_in_training
from forenbench.tables.rendering import render
from forenbench.tables.table import Table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for place, testset in enumerate(["stylegan", "biggan"]):  # not in the order of the alphabet
        add(store, "good", testset, PERFECT, place=place)
        add(store, "poor", testset, ONE_WRONG, place=place)
    return store


def test_pairs_of_accuracy_and_precision_then_the_mean(store: Store) -> None:
    add(store, "poor", "stylegan", PERFECT)
    frame = tables.make("acc-ap", [store]).frame
    assert list(frame.columns) == [
        ("stylegan", "Acc."),
        ("stylegan", "A.P."),
        ("biggan", "Acc."),
        ("biggan", "A.P."),
        ("Mean", "Acc."),
        ("Mean", "A.P."),
        ("Mean", "Bal. acc."),
        *(("Std. dev.", label) for label in ("Acc.", "A.P.", "Bal. acc.")),
        ("Worst", "A.P."),
        ("Worst", "on"),
    ]
    row = frame.loc[("poor", "sample")].tolist()
    assert row[:7] == pytest.approx([100, 100, 50, 250 / 3, 75, 275 / 3, 75])
    # Of two values the deviation of a sample is their distance over the root of two.
    assert row[7:10] == pytest.approx([50 / 2**0.5, 50 / 3 / 2**0.5, 50 / 2**0.5])
    assert row[10:] == [pytest.approx(250 / 3), "biggan"]


def test_a_detector_that_lacks_a_generator_gets_no_mean(store: Store) -> None:
    add(store, "partial", "stylegan", PERFECT)
    row = tables.make("acc-ap", [store]).frame.loc[("partial", "sample")]
    assert row["stylegan", "Acc."] == 100
    assert row[[("biggan", "Acc."), ("Mean", "Acc."), ("Mean", "A.P."), ("Std. dev.", "A.P.")]].isna().all()
    assert pd.isna(row["Worst", "A.P."])
    assert row["Worst", "on"] == ""
    board = leaderboard.standings(tables.measure([store])).set_index("detector")
    assert board.loc["good", "rank"] == 1
    assert pd.isna(board.loc["partial", "rank"])
    assert pd.isna(board.loc["partial", "ap"])
    assert board.loc["partial", ["std_dev", "worst"]].isna().all()
    assert board.loc["partial", "worst_on"] == ""


def test_metrics_use_scored_images_only_and_say_so(store: Store) -> None:
    add(store, "poor", "biggan", ONE_WRONG, status="unreadable", place=1)
    table = tables.make("cells", [store])
    assert table.frame.loc[("poor", "sample", "biggan"), ["ok", "images"]].tolist() == [3, 4]
    assert "Not all images were scored: data/biggan 3 of 4 (1 unreadable) by poor (none)." in table.notes


def test_one_label_only_leaves_blanks_with_the_reason(store: Store) -> None:
    add(store, "good", "fakes", [0.9, 0.8], [1, 1], place=2)
    table = tables.make("cells", [store])
    row = table.frame.loc[("good", "sample", "fakes")]
    assert row[["A.P.", "AUROC"]].isna().all()
    assert row["Acc."] == 100
    assert "Blank, for there are no real images: data/fakes by all." in table.notes
    assert "nan" not in render(table, "text").lower()


def test_values_that_decisions_and_probabilities_leave_undefined_have_a_reason(store: Store) -> None:
    add(store, "cautious", "stylegan", [0.1, 0.2, 0.3, 0.4])
    add(store, "certain", "stylegan", [0.0, 1.0, 0.0, 1.0])
    thresholds, calibration = (tables.make(name, [store]) for name in ("thresholds", "calibration"))
    assert np.isnan(thresholds.frame.loc[("cautious", "sample", "stylegan"), "MCC, author's"])
    assert "MCC, author's is blank where all images are called fake, or none." in thresholds.notes
    assert "Nothing was fitted: 'bench calibrate --on RUN' does it." in thresholds.notes
    assert np.isnan(calibration.frame.loc[("certain", "sample", "stylegan"), "NLL"])
    assert "NLL is blank where a probability of 0 or 1 is wrong: its loss is infinite." in calibration.notes


def test_perturbations_are_rows_of_their_own(store: Store) -> None:
    for place, testset in enumerate(["stylegan", "biggan"]):
        add(store, "good", testset, ONE_WRONG, place=place, perturbation="jpeg:50")
    frame = tables.make("acc-ap", [store]).frame
    assert frame.loc[("none", "good", "sample"), ("Mean", "Acc.")] == 100
    assert frame.loc[("jpeg:50", "good", "sample"), ("Mean", "Acc.")] == 50


def test_intervals_that_rest_on_few_origins_say_so(store: Store) -> None:
    cells = tables.measure([store])
    assert not any("origins" in note for note in tables.TABLES["cells"].make(cells).notes)
    labels, many = [0, 1] * 40, [f"o{at // 2}" for at in range(80)]
    add(store, "good", "crops", [0.1, 0.9] * 40, labels, origins=["a", "a", "b", "b"] * 20, dataset="few")
    add(store, "good", "frames", [0.1, 0.9] * 40, labels, origins=many, dataset="many")
    for name in ("cells", "acc-ap"):
        said = [note for note in tables.make(name, [store]).notes if "origins" in note]
        assert len(said) == 2
        assert "few" in said[0]
        assert "2 at least" in said[0]
        assert "too narrow" in said[0]
        assert "40 at least" in said[1]
        assert "too narrow" not in said[1]


def test_leaderboard_ranks_by_mean_precision_and_writes_stable_text(store: Store, tmp_path: Path) -> None:
    add(store, "also-good", "stylegan", PERFECT)
    add(store, "also-good", "biggan", PERFECT, place=1)
    paths = leaderboard.write(tables.measure([store]), tmp_path)
    with paths[0].open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["rank"], row["detector"], row["ap"]) for row in rows] == [
        ("1", "also-good", "100.00"),
        ("1", "good", "100.00"),
        ("3", "poor", "83.33"),
    ]
    assert rows[2]["auroc"] == "75.00"
    assert [rows[2][name] for name in ("std_dev", "worst", "worst_on")] == ["0.00", "83.33", "stylegan"]
    assert rows[0]["checkpoints"] == "head=abcabcabcabc"
    assert rows[0]["ap_low"] == rows[0]["ap_high"] == ""  # nothing that resamples could vary
    assert float(rows[2]["ap_low"]) < 83.33 < float(rows[2]["ap_high"])
    interval = f"83.33 [{rows[2]['ap_low']}, {rows[2]['ap_high']}]"
    (line,) = (line for line in paths[1].read_text().splitlines() if "| poor |" in line)
    assert line.startswith("| 3 | ")
    assert "| poor | sample | data | all | none | 2 | 8 | 8 | 0 | 4 | 4 | " in line
    assert f"| {interval} | 75.00 " in line


def test_detectors_compete_within_a_protocol(store: Store) -> None:
    other = Store(store.root.parent / "drawn")
    for place, testset in enumerate(["stylegan", "biggan"]):
        add(other, "poor", testset, PERFECT, place=place, protocol="univfd-official")
    board = leaderboard.standings(tables.measure([store, other]))
    ranks = board.set_index(["protocol", "detector"])["rank"].to_dict()
    assert ranks == {("all", "good"): 1, ("all", "poor"): 2, ("univfd-official", "poor"): 1}


@pytest.mark.parametrize(
    ("style", "line"),
    [
        ("csv", "poor,sample,50.0,83.3,50.0,83.3,50.0,83.3"),
        ("markdown", "| poor | sample | 50.0 | 83.3 | 50.0 | 83.3 | 50.0 | 83.3 |"),
        (
            "latex",
            r"poor & sample & 50.0 & 83.3 & 50.0 & 83.3 & 50.0 & 83.3 & 50.0 & 0.0 & 0.0 & 0.0 & 83.3 & ",
        ),
    ],
)
def test_every_style_prints_one_decimal(store: Store, style: str, line: str) -> None:
    assert line in render(tables.make("acc-ap", [store]), style)


def test_text_is_split_into_whole_generators_where_the_terminal_is_narrow(store: Store) -> None:
    table = tables.make("acc-ap", [store])
    wide, narrow = render(table, "text"), render(table, "text", 50)
    assert max(map(len, wide.splitlines()[:6])) > 50
    narrow, wide = (text.split("\n\n4 cells")[0] for text in (narrow, wide))
    assert max(map(len, narrow.splitlines())) <= 50
    assert narrow.count("poor") == 3  # blocks of columns
    for value in ("stylegan", "biggan", "Mean", "83.3"):
        assert narrow.count(value) == wide.count(value)


def test_every_table_names_the_weights_of_each_row(store: Store) -> None:
    notes = tables.make("acc-ap", [store]).notes
    assert "Weights of good (sample), poor (sample): head abcabcabcabc." in notes


def test_of_two_runs_of_one_cell_the_newer_counts_but_kinds_of_weights_stay_apart(tmp_path: Path) -> None:
    old, new, other = (Store(tmp_path / name) for name in ("old", "new", "other"))
    add(old, "probe", "biggan", ONE_WRONG)
    add(new, "probe", "biggan", PERFECT, time="2026-01-03T00:00:00+00:00")
    add(other, "probe", "biggan", ONE_WRONG, kind="published")
    frame = tables.make("acc-ap", [new, old, other]).frame
    assert frame["biggan", "Acc."].to_dict() == {("probe", "sample"): 100, ("probe", "published"): 50}


def test_cells_on_different_images_are_not_shown_side_by_side_without_a_word(store: Store) -> None:
    assert not any("WARNING" in note for note in tables.make("acc-ap", [store]).notes)
    add(store, "good", "biggan", PERFECT, place=1, digest="d2")
    notes = tables.make("acc-ap", [store]).notes
    assert "WARNING: cells of data/biggan rest on different images, do not compare them." in notes


@pytest.mark.parametrize("changed", [{"head": "def" * 20}, {"version": "2"}])
def test_a_detector_that_changed_between_cells_is_not_averaged_without_a_word(
    store: Store, changed: dict[str, str]
) -> None:
    add(store, "good", "biggan", PERFECT, place=1, **changed)
    warning = "WARNING: cells of good (sample) rest on different weights, versions or precisions of it, "
    notes = tables.make("acc-ap", [store]).notes
    assert [note for note in notes if "WARNING" in note] == [
        f"{warning}a mean over them is of no one detector."
    ]


def test_unknown_style_is_refused(store: Store) -> None:
    with pytest.raises(BenchError, match="'docx' is none of text, csv, tidy, markdown, latex, json"):
        render(tables.make("acc-ap", [store]), "docx")


def test_unknown_table_and_empty_run_are_clear(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="did you mean acc-ap"):
        tables.make("acc_ap", [Store(tmp_path)])
    with pytest.raises(BenchError, match="no finished cell"):
        tables.make("acc-ap", [Store(tmp_path)])


def test_measure_counts_scored_images_by_label(store: Store) -> None:
    add(store, "good", "odd", [0.1, 0.9, 0.8, 0.7], [0, 1, 1, 1], status="unreadable", place=2)
    cells = tables.measure([store]).set_index(["detector", "testset"])
    assert cells.loc[("good", "biggan"), ["real", "fake"]].tolist() == [2, 2]
    assert cells.loc[("good", "odd"), ["images", "ok", "real", "fake"]].tolist() == [4, 3, 0, 3]


def test_notes_say_which_rows_rest_on_how_many_images(store: Store) -> None:
    (line,) = [note for note in tables.make("acc-ap", [store]).notes if note.startswith("Images")]
    assert line == "Images scored (real/fake), protocol all: data/stylegan 2/2, data/biggan 2/2."
    add(store, "poor", "biggan", ONE_WRONG, place=1, status="failed")
    lines = [note for note in tables.make("acc-ap", [store]).notes if note.startswith("Images")]
    begin, images = "Images scored (real/fake) behind", "(sample), protocol all: data/stylegan 2/2"
    assert lines == [f"{begin} good {images}, data/biggan 2/2.", f"{begin} poor {images}, data/biggan 1/2."]


def test_notes_name_perturbations_only_where_a_detectors_rows_differ(store: Store) -> None:
    for place, testset in enumerate(["stylegan", "biggan"]):
        for name in ("good", "poor"):
            lost = (name, testset) == ("poor", "biggan")
            status = "failed" if lost else "ok"
            add(store, name, testset, PERFECT, place=place, perturbation="jpeg:90", status=status)
    begin, end = "Images scored (real/fake) behind", "protocol all: data/stylegan 2/2, data/biggan"
    assert [note for note in tables.make("acc-ap", [store]).notes if note.startswith("Images")] == [
        f"{begin} good (sample), poor (sample) under none, {end} 2/2.",
        f"{begin} poor (sample) under jpeg:90, {end} 1/2.",
    ]


def test_metrics_by_class_take_each_class_for_itself(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (labels, scores), (labels_b, scores_b) = with_wrong_reals(0), with_wrong_reals(5)
    classes = ["cat"] * 20 + ["dog"] * 20
    add(store, "probe", "progan", scores + scores_b, labels + labels_b, classes=classes)
    by_class = tables.measure([store], by_class=True).set_index("class")
    assert by_class["acc"].to_dict() == {"cat": 1, "dog": 15 / 20}
    assert by_class["ap"].to_dict() == pytest.approx({"cat": 1, "dog": 10 / 15})
    assert by_class.loc["dog", ["images", "real", "fake"]].tolist() == [20, 10, 10]
    (whole,) = tables.measure([store]).to_dict("records")
    assert (whole["class"], whole["acc"], whole["ap"]) == ("", 35 / 40, pytest.approx(20 / 25))


def test_one_cell_under_two_protocols_is_two_and_a_table_takes_one(tmp_path: Path) -> None:
    every, official = Store(tmp_path / "every"), Store(tmp_path / "official")
    add(every, "probe", "biggan", ONE_WRONG)
    add(official, "probe", "biggan", PERFECT, protocol="univfd-official", time="2026-01-03T00:00:00+00:00")
    stores = [official, every]
    assert tables.make("acc-ap", stores).frame["biggan", "Acc."].tolist() == [50]
    assert "Not shown: 1 cells under protocol univfd-official (--protocol univfd-official)." in (
        tables.make("acc-ap", stores).notes
    )
    assert tables.make("acc-ap", stores, "univfd-official").frame["biggan", "Acc."].tolist() == [100]
    assert tables.make("acc-ap", [official]).frame["biggan", "Acc."].tolist() == [100]


def test_protocols_without_the_default_must_be_chosen_from(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "probe", "biggan", PERFECT, protocol="univfd-official")
    add(store, "probe", "stylegan", PERFECT, protocol="cnndetection-official", place=1)
    with pytest.raises(
        BenchError, match="choose the protocol, one of univfd-official, cnndetection-official"
    ):
        tables.make("acc-ap", [store])
    with pytest.raises(BenchError, match="no cell was run under protocol 'lgrad-official'; there is univfd"):
        tables.make("acc-ap", [store], "lgrad-official")


def test_ranks_that_images_leave_open_are_shown(tmp_path: Path) -> None:
    """Two detectors that differ on one of 200 images, and one that is far behind both."""
    labels = [0] * 100 + [1] * 100
    good = [at / 100 for at in range(100)] + [0.5 + at / 100 for at in range(100)]
    nearly = [*good[:100], 0.4, *good[101:]]
    bad = [at * 37 % 100 / 100 for at in range(200)]
    store = Store(tmp_path)
    for name, scores in {"good": good, "nearly": nearly, "bad": bad}.items():
        add(store, name, "stylegan", scores, labels)
    board = leaderboard.standings(tables.measure([store])).set_index("detector")
    assert board["ranks"].to_dict() == {"good": "1-2", "nearly": "1-2", "bad": "3"}


def test_detectors_that_are_far_apart_have_one_rank_each_however_many_there_are(tmp_path: Path) -> None:
    store, random = Store(tmp_path), np.random.default_rng(0)
    labels, shared = np.repeat([0, 1], 100), random.normal(size=200)
    for place in range(9):
        scores = shared + 0.2 * random.normal(size=200) + (0.2 + 0.3 * place) * labels
        add(store, f"d{place}", "stylegan", list(map(float, scores)), list(labels))
    board = leaderboard.standings(tables.measure([store])).set_index("detector")
    assert [board.loc[f"d{place}", "ranks"] for place in range(9)] == list("987654321")


def test_what_was_seen_in_training_is_marked_in_tables_and_counted_in_the_leaderboard(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for place, testset in enumerate(["StyleGAN", "biggan"]):
        add(store, "d", testset, ONE_WRONG, place=place, trained_on=["style-gan", "lsun"])
        add(store, "clean", testset, ONE_WRONG, place=place)
    cells = tables.measure([store])
    assert cells.set_index(["detector", "testset"])["seen"].to_dict() == {
        ("d", "StyleGAN"): True,
        ("d", "biggan"): False,
        ("clean", "StyleGAN"): False,
        ("clean", "biggan"): False,
    }
    assert leaderboard.standings(cells).set_index("detector")["seen"].to_dict() == {"d": 1, "clean": 0}
    for name in ("acc-ap", "cells", "error-rates", "thresholds"):
        table = tables.make(name, [store])
        assert "as the detectors state: StyleGAN by d." in " ".join(table.notes)
        lines = [line for line in render(table, "markdown").splitlines() if line.startswith("|")]
        assert [("*" in line) for line in lines].count(True) == 1, name


def starred(table: Table) -> set[tuple[str, str]]:
    """Return (first label of the row, column) of all starred values of a Markdown table."""
    lines = [line for line in render(table, "markdown").splitlines() if line.startswith("|")]
    heads, _, *rows = [[entry.strip() for entry in line.strip("|").split("|")] for line in lines]
    return {(row[0], head) for row in rows for head, entry in zip(heads, row, strict=True) if "*" in entry}


def test_means_that_rest_on_what_was_seen_are_marked_everywhere(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for place, testset in enumerate(["stylegan", "biggan"]):
        add(store, "d", testset, [PERFECT, ONE_WRONG][place], place=place, trained_on=["StyleGAN, LSUN"])
        add(store, "clean", testset, ONE_WRONG, place=place)
    both, three = ("Mean", "Std. dev."), ("Acc.", "A.P.", "Bal. acc.")
    expected = {
        "acc-ap": {"stylegan Acc.", "stylegan A.P."}
        | {f"{over} {label}" for over in both for label in three},
        "summary": {"Acc., macro", "Acc., micro", "A.P., macro", "Bal. acc., macro"}  # the worst is biggan
        | {f"{label}, std. dev." for label in three},
        "robustness": {"none Acc.", "none A.P."},
    }
    for name, columns in expected.items():
        table = tables.make(name, [store])
        assert starred(table) == {("d", column) for column in columns}, name
        assert "as the detectors state: stylegan by d." in " ".join(table.notes), name
        assert "*" in "".join(line for line in render(table, "latex").splitlines() if line[0] != "%"), name


def test_names_of_nothing_but_signs_are_not_what_was_seen() -> None:
    assert seen_in_training(["", "a, ,"], "!!!", ["?"]) == []
    assert seen_in_training(["Stable-Diffusion v1.4"], "stable_diffusion_v_1_4", []) == [
        "stable_diffusion_v_1_4"
    ]


def test_a_generator_is_one_by_all_of_its_names_and_a_collection_in_all_of_its_parts() -> None:
    for name in ("stable_diffusion_v_1_4", "stable-diffusion-1-4", "sd14", "CompVis@stable-diffusion-v1-4"):
        assert seen_in_training(["sd-v1.4"], name, []) == [name]
    for name in ("stable-diffusion-v1-5", "stable-diffusion-2", "sd-turbo", "ldm"):
        assert seen_in_training(["sd-v1.4"], name, []) == []
    assert seen_in_training(["coco"], "x", ["coco-val2017/0", "raise-1k", "coconut"]) == ["coco-val2017/0"]


def test_the_worst_is_marked_where_it_was_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "stylegan", ONE_WRONG, trained_on=["stylegan"])
    add(store, "d", "biggan", PERFECT, place=1, trained_on=["stylegan"])
    assert ("d", "A.P., worst") in starred(tables.make("summary", [store]))


def test_reals_that_were_seen_are_marked_by_source(tmp_path: Path) -> None:
    """Of known reals only what is judged against them; of a known generator everything but counts."""
    store = Store(tmp_path)
    labels, sources = [0, 0, 0, 0, 1, 1], ["coco", "coco", "raise", "raise", "", ""]
    for name, trained_on in {"reals": ["COCO"], "fakes": ["sd"], "neither": ["lsun", ""]}.items():
        add(store, name, "sd", [0.1, 0.2, 0.7, 0.9, 0.6, 0.8], labels, sources=sources, trained_on=trained_on)
    (remark,) = (note for note in tables.make("cells", [store]).notes if note.startswith("*"))
    assert remark.endswith("as the detectors state: sd by fakes; sd (reals: coco) by reals.")
    against_coco, spread = {"coco AUROC", "coco FPR"}, {"Spread AUROC"}
    assert starred(tables.make("real-sources", [store])) == {
        *(("reals", column) for column in against_coco | spread),
        *(("fakes", column) for column in against_coco | spread | {"raise AUROC", "raise FPR"}),
    }


def test_reals_of_each_source_are_judged_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sources = ["coco", "coco", "imagenet", "imagenet", "", ""]
    add(store, "d", "sd", [0.1, 0.2, 0.7, 0.9, 0.6, 0.8], [0, 0, 0, 0, 1, 1], sources=sources)
    table = tables.make("real-sources", [store])
    row = table.frame.iloc[0]
    assert row["coco", "AUROC"] == 100
    assert row["imagenet", "AUROC"] == 25  # of four pairs one is in order
    assert row["coco", "FPR"] == 0
    assert row["imagenet", "FPR"] == 100
    assert row["Spread", "AUROC"] == 75
    assert row["coco", "reals"] == 2
    told = "75.0 points (d on sd (none): 25.0 against imagenet (2 reals), 100.0 against coco (2 reals))"
    for name in ("acc-ap", "cells", "summary"):
        assert any(told in note for note in tables.make(name, [store]).notes), name


def test_no_spread_is_the_best(tmp_path: Path) -> None:
    store = Store(tmp_path)
    labels, sources = [0, 0, 1, 1], ["coco", "raise", "", ""]
    add(store, "wide", "sd", [0.1, 0.7, 0.6, 0.8], labels, sources=sources)
    add(store, "narrow", "sd", [0.1, 0.2, 0.6, 0.8], labels, sources=sources)
    text = render(tables.make("real-sources", [store]), "latex")
    narrow, wide = (line for line in text.splitlines() if line.startswith(("wide", "narrow")))
    assert wide.endswith("& 50.0 \\\\")
    assert narrow.count("textbf") > 0


def test_reals_of_one_source_cross_nothing(store: Store) -> None:
    assert "nothing is crossed" in tables.make("real-sources", [store]).notes[0]


def test_a_summary_names_the_worst_generator_and_weighs_images_both_ways(store: Store) -> None:
    add(store, "poor", "large", PERFECT * 3, [0, 0, 1, 1] * 3, place=2)
    add(store, "good", "large", PERFECT * 3, [0, 0, 1, 1] * 3, place=2)
    frame = tables.make("summary", [store]).frame
    poor = frame.loc[("poor", "sample")]
    assert poor["Acc., macro"] == pytest.approx(100 * (0.5 + 0.5 + 1) / 3)
    assert poor["Acc., micro"] == pytest.approx(100 * (2 + 2 + 12) / 20)
    assert (poor["A.P., worst"], poor["worst on"]) == (pytest.approx(500 / 6), "stylegan")
    assert (poor["Bal. acc., worst"], poor["Bal. acc. worst on"]) == (50, "stylegan")
    assert poor["Bal. acc., macro"] == pytest.approx(100 * (0.5 + 0.5 + 1) / 3)
    assert poor["Acc., std. dev."] == poor["Bal. acc., std. dev."] == pytest.approx(50 / 3**0.5)
    assert poor["images"] == 20


@pytest.mark.parametrize(("lender", "images"), [("photos", 6), (None, 8)])
def test_reals_that_test_sets_share_count_once_in_a_micro_mean(
    tmp_path: Path, lender: str | None, images: int
) -> None:
    """One of two reals is wrong; of the fakes none in one dataset, both in the other."""
    store = Store(tmp_path)
    for dataset, scores in {"one": [0.1, 0.9, 0.8, 0.9], "two": [0.1, 0.9, 0.2, 0.3]}.items():
        reals = [f"{lender}:/{at}.png" for at in range(2)]  # not borrowed, they are files of their own
        paths = [*reals, *(f"{dataset}/{at}.png" for at in range(2))]
        add(store, "d", "t", scores, dataset=dataset, paths=paths, lender=lender)
    row = tables.make("summary", [store]).frame.iloc[0]
    assert row["images"] == images
    right = 1 + 2 + 0 if lender else 1 + 2 + 1 + 0
    assert row["Acc., micro"] == pytest.approx(100 * right / images)


def test_means_of_a_summary_have_the_intervals_of_leaderboards(tmp_path: Path) -> None:
    """Both test sets are as large, so that all images weigh the same both ways."""
    store, random, labels = Store(tmp_path), np.random.default_rng(0), [0] * 30 + [1] * 30
    for testset in ("stylegan", "biggan"):
        scores = list(map(float, random.random(60) / 2 + np.array(labels) / 4))
        add(store, "d", testset, scores, labels)
        add(store, "other", testset, scores[::-1], labels)
    cells = tables.measure([store])
    board = leaderboard.standings(cells).set_index("detector").loc["d"]
    made = tables.TABLES["summary"].make(cells)
    assert made.low is not None
    assert made.high is not None
    both_ways = {"Acc., macro": "acc", "Acc., micro": "acc", "A.P., macro": "ap", "Bal. acc., macro": "bacc"}
    for name, metric in both_ways.items():
        ends = [ends.loc[("d", "sample"), name] for ends in (made.low, made.high)]
        assert ends == pytest.approx([board[f"{metric}_low"], board[f"{metric}_high"]])
        assert ends[0] < made.frame.loc[("d", "sample"), name] < ends[1]
    assert "\\textbf{" in render(made, "latex")


def test_large_test_sets_weigh_more_in_the_interval_of_a_micro_mean(tmp_path: Path) -> None:
    store, random = Store(tmp_path), np.random.default_rng(0)
    for place, number in enumerate((10, 90)):
        scores = list(random.random(2 * number))
        add(store, "d", f"set{number}", scores, [0] * number + [1] * number, place=place)
    cells = tables.measure([store])
    small, large = (one["acc"] for one in cells["replicates"])
    made = tables.TABLES["summary"].make(cells)
    mixed, value = 0.1 * small + 0.9 * large, float(0.1 * cells["acc"][0] + 0.9 * cells["acc"][1])
    expected = interval(mixed, value, 10)
    assert made.low is not None
    assert made.low.iloc[0]["Acc., micro"] == pytest.approx(100 * expected[0])


def test_a_test_set_without_any_scored_image_leaves_no_mean(store: Store) -> None:
    add(store, "poor", "biggan", [0.5] * 4, status="failed", lost=4, place=1)
    row = tables.make("summary", [store]).frame.loc[("poor", "sample")]
    numbers = [
        "Acc., macro",
        "Acc., micro",
        "A.P., macro",
        "A.P., worst",
        "Bal. acc., macro",
        "Acc., std. dev.",
    ]
    assert row[numbers].isna().all()


def test_the_worst_generator_of_several_datasets_is_named_with_its_own(store: Store) -> None:
    add(store, "poor", "stylegan", [0.9, 0.8, 0.2, 0.1], dataset="other", place=2)
    add(store, "good", "stylegan", PERFECT, dataset="other", place=2)
    assert tables.make("summary", [store]).frame.loc[("poor", "sample"), "worst on"] == "other/stylegan"


def test_scores_that_are_no_probabilities_have_blanks_and_a_reason_in_calibration(store: Store) -> None:
    add(store, "poor", "stylegan", [-0.1, 0.6, 0.4, 0.9])
    table = tables.make("calibration", [store])
    assert table.frame.loc[("poor", "sample", "stylegan")].isna().all()
    assert table.frame.loc[("good", "sample", "stylegan"), "Brier"] == pytest.approx((1 + 4 + 4 + 1) / 400)
    assert "poor: scores are no probabilities: -0.1 is not in [0, 1]." in table.notes


def test_means_that_differ_by_rounding_share_a_rank_and_the_first_lowest_is_the_worst(store: Store) -> None:
    cells = tables.measure([store])
    precision = {("good", "stylegan"): 0.3, ("good", "biggan"): 0.1 + 0.2, ("poor", "stylegan"): 0.1 + 0.2}
    cells["ap"] = [precision.get(key, 0.3) for key in zip(cells["detector"], cells["testset"], strict=True)]
    assert leaderboard.standings(cells)["rank"].tolist() == [1, 1]
    worst = tables.TABLES["summary"].make(cells).frame["worst on"]
    first = cells.groupby("detector", sort=False)["testset"].first()
    assert worst.tolist() == first.tolist()


def test_why_an_interval_is_missing_stands_below_the_table(tmp_path: Path) -> None:
    """Of 30 and 30 images that are all called right: in each table for a reason of its own."""
    store, random, labels = Store(tmp_path), np.random.default_rng(0), [0] * 30 + [1] * 30
    scores = [float(value) for value in random.random(60) / 4 + np.array(labels) * 0.7]
    add(store, "d", "stylegan", scores, labels)
    cells = tables.measure([store])
    notes = {
        name: "\n".join(tables.TABLES[name].make(cells).notes)
        for name in ("cells", "error-rates", "calibration")
    }
    assert (
        "No interval of Acc. / Real acc. / Fake acc. / A.P. where it is as good or bad as can be"
        in notes["cells"]
    )
    assert "No interval of TPR at 1% FPR of fewer than 500 real images." in notes["error-rates"]
    assert "No interval of ECE / ECE, equal mass which chance raises" in notes["calibration"]
    assert "No interval of NLL / Brier where hardly an image is called wrong" in notes["calibration"]
