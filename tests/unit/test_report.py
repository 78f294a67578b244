"""The parts of a report: curves, tables as they are set, mistakes, and what made them."""

from __future__ import annotations

import base64
import math
import os
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_page import Page
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score
from stored_cells import LABELS, ONE_WRONG, PERFECT, add, record

from forenbench.data.descriptions import Spec
from forenbench.images import decode
from forenbench.perturbations import PERTURBATIONS
from forenbench.perturbations.kinds import Kind, less_is_worse, more_is_worse
from forenbench.records.dataset_paths import DATA_ROOT, Found, find_datasets
from forenbench.records.finished import newest
from forenbench.records.store import Store
from forenbench.report import charts, curves, glossary
from forenbench.report.chosen import name_detectors, plainest
from forenbench.report.contents import Wishes, collect
from forenbench.report.grid import Grid, lay_out
from forenbench.report.heat import heat_map
from forenbench.report.levels import draw_robustness
from forenbench.report.mistakes import COLUMNS, worst, worst_of_cell
from forenbench.report.page import write
from forenbench.report.provenance import provenance
from forenbench.report.reliability import points
from forenbench.report.thumbnails import Thumbnails, open_pictures
from forenbench.tables import measure
from forenbench.tables.table import Table
from forenbench.testing import MemorySource, tiny_image, write_tiny_dataset

HOSTILE = "<script>alert(1)</script>"
DETECTOR = ("d", "sample")


def arrays(scores: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(LABELS), np.array(scores)


def picture(chart: charts.Chart) -> str:
    """The chart as SVG."""
    return base64.b64decode(chart.source.partition(",")[2]).decode()


def mean_height(at: np.ndarray, heights: np.ndarray) -> float:
    return float(np.mean(heights[at > 0]))


@pytest.mark.parametrize("levels", [4, 1000])
def test_areas_below_the_curves_are_the_metrics(levels: int) -> None:
    random = np.random.default_rng(1)
    labels = np.arange(600) % 2
    scores = np.floor(random.random(600) * (1 + 0.4 * labels) / 1.5 * levels) / levels  # with ties
    traced = curves.trace(labels, scores, 0.5)
    assert traced is not None
    assert curves.area(traced) == pytest.approx(roc_auc_score(labels, scores), abs=0.005)
    precision = mean_height(curves.RECALLS, traced.precision)
    assert precision == pytest.approx(average_precision_score(labels, scores), abs=0.005)


@pytest.mark.parametrize("images", [4, 12, 40])
def test_areas_below_curves_of_few_images_are_the_metric_too(images: int) -> None:
    """Where a curve is a stair, a straight line between its corners would lie above it."""
    labels = np.arange(images) % 2
    scores = np.random.default_rng(images).permutation(images) / images
    traced = curves.trace(labels, scores, 0.5)
    assert traced is not None
    assert curves.area(traced) == pytest.approx(roc_auc_score(labels, scores), abs=0.005)


def test_a_mean_curve_counts_each_test_set_once() -> None:
    one, other = (curves.trace(*arrays(scores), 0.5) for scores in (PERFECT, ONE_WRONG))
    assert one is not None
    assert other is not None
    both = curves.mean([one, other, other])
    assert both.tpr == pytest.approx((one.tpr + 2 * other.tpr) / 3)
    assert both.precision == pytest.approx((one.precision + 2 * other.precision) / 3)


def test_reliability_counts_images_scores_and_fakes_by_part() -> None:
    traced = curves.trace(np.array([0, 1, 1, 0]), np.array([0.0, 1.0, 1 / 15, 0.5]), 0.5)
    assert traced is not None
    assert traced.bins is not None
    images, scores, fakes = traced.bins
    assert images.tolist() == [2, *[0] * 6, 1, *[0] * 6, 1]
    assert scores.tolist() == pytest.approx([1 / 15, *[0] * 6, 0.5, *[0] * 6, 1])
    assert fakes.tolist() == [1, *[0] * 6, 0, *[0] * 6, 1]


@pytest.mark.parametrize(("scores", "threshold"), [([0.1, 0.2, 0.8, 1.1], 0.5), (PERFECT, 0.0)])
def test_scores_that_are_no_probabilities_have_no_reliability(scores: list[float], threshold: float) -> None:
    traced = curves.trace(*arrays(scores), threshold)
    assert traced is not None
    assert traced.bins is None
    assert "Reliability" not in [
        one.title for one in charts.draw({"detector": traced}, charts.styles(["detector"]))
    ]


def test_points_of_reliability_have_enough_images_and_lose_none() -> None:
    images = np.array([0, 3, 18, 0, 40, 19, 0, 7.0])
    bins = np.array([images, images * np.arange(8) / 8, np.floor(images / 2)])
    found = points(bins)
    assert [point.images for point in found] == [21, 40, 26]
    assert [point.predicted * point.images for point in found] == pytest.approx([4.875, 20, 18 * 1 + 0.0])
    assert [point.observed * point.images for point in found] == pytest.approx([10, 20, 12])
    assert [point.images for point in points(bins[:, :2])] == [3]  # all there are
    exact, left = np.full((3, 2), 20.0), np.full((3, 1), 5.0)
    assert [point.images for point in points(np.hstack([exact, left]))] == [20, 25]
    assert points(bins[:, :1]) == []


def test_points_of_reliability_have_the_intervals_of_wilson() -> None:
    """By his formula, with the square of 1.959964 for 95 %."""
    (point,) = points(np.array([[50.0], [45.0], [50.0]]))
    assert point.high == 1
    assert point.low == pytest.approx(50 / (50 + 3.841459), abs=1e-6)
    (half,) = points(np.array([[20.0], [4.0], [10.0]]))
    assert half.high - half.low == pytest.approx(2 * 1.959964 * math.sqrt(5 + 3.841459 / 4) / 23.841459)
    assert half.high - half.low < 0.41


@pytest.mark.parametrize(
    ("fakes", "images"), [(0, 3), (3, 3), (1, 20), (19, 20), (7, 1234), (123_456, 500_000)]
)
def test_these_intervals_are_those_of_scipy(fakes: int, images: int) -> None:
    (point,) = points(np.array([[images], [images / 2], [fakes]], float))
    expected = binomtest(fakes, images).proportion_ci(method="wilson")
    assert (point.low, point.high) == (expected.low, expected.high)


def test_a_point_of_few_images_is_hollow_and_the_words_say_what_that_means() -> None:
    few, many = (curves.trace(*arrays(PERFECT), 0.5) for _ in range(2))
    assert few is not None
    assert many is not None
    assert many.bins is not None
    many = replace(many, bins=many.bins * 20)
    chart, whole = (charts.draw({"detector": one}, charts.styles(["detector"]))[-1] for one in (few, many))
    assert ("hollow" in chart.words, "hollow" in whole.words) == (True, False)
    hollow = "fill: #ffffff; stroke: #0072b2"
    assert (hollow in picture(chart), hollow in picture(whole)) == (True, False)


def test_one_label_has_no_curves() -> None:
    assert curves.trace(np.zeros(3, int), np.array([0.1, 0.2, 0.3]), 0.5) is None


def test_the_headings_of_a_table_span_their_columns() -> None:
    columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")])
    frame = pd.DataFrame([[1.0, 2.0, np.nan]], columns=columns, index=pd.Index(["one"], name="detector"))
    grid = lay_out(Table("t", "T", frame, ()))
    assert [(head.text, head.span) for head in grid.heads[0]] == [("", 1), ("a", 2), ("b", 1)]
    assert [head.text for head in grid.heads[1]] == ["detector", "x", "y", "x"]
    assert [head.column for head in grid.heads[1]] == [0, 1, 2, 3]


def test_numbers_are_shown_rounded_and_kept_exactly() -> None:
    values = {
        "share": [1 / 3, -1e-9, np.nan],
        "count": [7, 8, 9],
        "words": ["a", "b", "b"],
        "gap": [2.0, 0, -1],
    }
    frame = pd.DataFrame(values, index=pd.Index(["x", "y", "z"], name="detector"))
    rows = lay_out(Table("t", "T", frame, (), 2, signed="gap")).rows
    assert [[entry.text for entry in row] for row in rows] == [
        ["x", "0.33", "a", "+2.00", "7"],
        ["y", "0.00", "b", "0.00", "8"],
        ["z", "", "b", "-1.00", "9"],
    ]
    assert float(rows[0][1].value) == 1 / 3
    assert [row[1].number for row in rows] == [True] * 3


def test_intervals_and_marks_stand_with_their_numbers() -> None:
    index = pd.Index(["x", "y"], name="detector")
    frame, low, high, marked = (
        pd.DataFrame({"a": values}, index=index)
        for values in ([50.0, 60.0], [40.04, np.nan], [59.96, np.nan], ["", "*†"])
    )
    rows = lay_out(Table("t", "T", frame, (), low=low, high=high, marks=marked)).rows
    assert [(row[1].text, row[1].between, row[1].mark) for row in rows] == [
        ("50.0", "[40.0, 60.0]", ""),
        ("60.0", "", "*†"),
    ]


def test_what_all_rows_share_is_said_once() -> None:
    index = pd.MultiIndex.from_tuples([("none", "one"), ("none", "two")], names=["perturbation", "detector"])
    frame = pd.DataFrame({"a": [1.0, 1.0], "b": ["w", "w"], "c": [7, 7]}, index=index)
    grid = lay_out(Table("t", "T", frame, ()))
    assert grid.everywhere == [("perturbation", "none"), ("b", "w"), ("c", "7")]
    assert [head.text for head in grid.heads[0]] == ["detector", "a"]


def board(tmp_path: Path, detectors: str) -> Grid:
    for detector in detectors:
        for place, name in enumerate(("none", "jpeg:50")):
            scores = PERFECT if detector == "a" else ONE_WRONG
            add(Store(tmp_path), detector, "t", scores, perturbation=name, place=place)
    content = collect([Store(tmp_path)], Wishes(Thumbnails({}, {})))
    found: Grid = content["leaderboard"]
    return found


def test_a_detector_without_a_rival_has_no_rank(tmp_path: Path) -> None:
    alone, two = board(tmp_path / "one", "a"), board(tmp_path / "two", "ab")
    heads = [[head.text for head in grid.heads[-1]] for grid in (alone, two)]
    assert heads[0][:5] == ["detector", "perturbation", "acc", "ap", "auroc"]
    assert heads[1][:5] == ["detector", "perturbation", "rank", "acc", "ap"]


def test_what_names_a_row_further_is_told_in_one_line(tmp_path: Path) -> None:
    grid = board(tmp_path, "ab")
    assert [grid.also(row) for row in grid.rows[:2]] == ["none · rank 1", "none · rank 2"]


def test_detectors_with_two_kinds_of_weights_say_which() -> None:
    named = name_detectors([("a", "sample"), ("b", "sample"), ("a", "published"), ("a", "sample")])
    assert list(named.values()) == ["a (sample)", "b", "a (published)"]


def test_the_worst_images_of_all_cells_come_first_and_once(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT)
    (cell,) = newest([Store(tmp_path)])
    rows = [
        (0, 0.6, "ok", "shared"),
        (0, 0.7, "ok", "worse"),
        (0, 0.99, "failed", "unscored"),
        (0, 0.2, "ok", "fine"),
        (0, 0.5, "ok", "at the threshold"),
        (1, 0.4, "ok", "missed"),
        (1, 0.9, "ok", "found"),
    ]
    found = worst_of_cell(cell, pd.DataFrame(rows, columns=list(COLUMNS)), 2)
    reals, fakes = worst([*found, *(replace(one, testset="u") for one in found)], 2)
    assert [(one.path, one.wrong) for one in reals] == [("worse", True), ("shared", True)]
    assert [(one.path, one.wrong) for one in fakes] == [("missed", True), ("found", False)]
    third = worst_of_cell(cell, pd.DataFrame(rows, columns=list(COLUMNS)), 3)[2]
    assert (third.path, third.wrong) == ("at the threshold", False)


def test_a_picture_is_a_small_one_of_the_image_beside_what_explains_it() -> None:
    image = tiny_image(3, 600, 300)
    pictures = Thumbnails({"data": MemorySource([image])}, {}, {DETECTOR: lambda one: one.convert("L")})
    made = pictures.of("data", "0", DETECTOR)
    small, explained = (
        decode(base64.b64decode(source.partition(",")[2])) for source in (made.source, made.explained)
    )
    assert small.size == (144, 72)
    difference = np.asarray(small, float) - np.asarray(image.resize((144, 72)), float)
    assert np.abs(difference).mean() < 8
    assert np.ptp(np.asarray(explained, int), axis=2).max() <= 8  # grey
    assert pictures.of("data", "0", ("other", "sample")).explained == ""


def lies_at(folder: Path) -> Found:
    return Found(Spec(folder.name, "", "", folder=str(folder)), DATA_ROOT)


def test_where_there_is_no_picture_the_reason_is_given(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny")
    (tmp_path / "tiny/alpha/0_real/broken.png").write_bytes(b"no image")
    made = record("tiny", command=("bench", "run"))
    nowhere = open_pictures(["tiny"], find_datasets([made], [], DATA_ROOT))
    lack = nowhere.of("tiny", "alpha/0_real/0.png", DETECTOR).lack
    assert lack == "dataset 'tiny' is not known here; the option 'dataset' names the folder of its images"
    here = open_pictures(["tiny"], find_datasets([made], [str(tmp_path / "tiny")], DATA_ROOT))
    assert here.of("tiny", "alpha/0_real/0.png", DETECTOR).source.startswith("data:image/webp")
    assert "not an image" in here.of("tiny", "alpha/0_real/broken.png", DETECTOR).lack
    assert "no file at" in here.of("tiny", "alpha/0_real/gone.png", DETECTOR).lack


def test_a_folder_is_not_listed_for_the_few_images_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_dataset(tmp_path / "tiny")
    looked = list[str]()
    monkeypatch.setattr(os, "walk", lambda top, **options: looked.append(str(top)) or iter(()))
    opened = open_pictures(["tiny"], {"tiny": lies_at(tmp_path / "tiny")})
    assert opened.of("tiny", "alpha/0_real/0.png", DETECTOR).source
    assert not looked


def test_images_inside_parquet_files_are_shown(tmp_path: Path) -> None:
    pytest.importorskip("datasets.config")  # `datasets` alone may be the folder of this checkout
    buffer = BytesIO()
    tiny_image(1, 40, 30).save(buffer, "PNG")
    (tmp_path / "hub").mkdir()
    pd.DataFrame({"image": [buffer.getvalue()], "label": [1]}).to_parquet(tmp_path / "hub/test.parquet")
    opened = open_pictures(["hub"], {"hub": lies_at(tmp_path / "hub")})
    assert opened.of("hub", "test.parquet#0", DETECTOR).source.startswith("data:image/webp")
    assert "no row" in opened.of("hub", "test.parquet#9", DETECTOR).lack
    assert "no file at" in opened.of("hub", "gone.png", DETECTOR).lack


@pytest.mark.slow
def test_levels_run_from_the_image_as_it_is_to_the_strongest(tmp_path: Path) -> None:
    names = [
        "jpeg:50",
        "none",
        "jpeg:90",
        "blur:2.0",
        "jpeg:75",
        "blur:10.0",
        "gray",
        "gamma:0.2",
        "gamma:2.0",
        "fit:64",
        "fit:256",
    ]
    for place, name in enumerate(names):
        add(Store(tmp_path), "d", "t", PERFECT, perturbation=name, place=place)
    drawn = {
        one.title: base64.b64decode(one.source.partition(",")[2]).decode()
        for one in draw_robustness(measure([Store(tmp_path)]), {("d", "sample"): "d"})
    }
    wanted = {
        "jpeg:Q": ["none", "90", "75", "50"],
        "blur:SIGMA": ["none", "2.0", "10.0"],
        "gamma:G": ["none", "2.0", "0.2"],
        "fit:N": ["none", "256", "64"],
    }
    both = ("accuracy", "average precision")
    assert list(drawn) == [f"{kind}, {metric}" for kind in wanted for metric in both]
    for kind, levels in wanted.items():
        for metric in both:
            places = [drawn[f"{kind}, {metric}"].index(f">{level}</text>") for level in levels]
            assert places == sorted(places)


def test_a_new_kind_is_drawn_in_the_order_of_harm_that_it_states_whatever_its_value_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of N pixels to a block more are worse, of N colours fewer; the older kinds with an N lose by fewer."""
    pixelate, posterise = (
        Kind(name, tiny_image, "", "N", int, 1, 256, harm)
        for name, harm in (("pixelate", more_is_worse), ("posterise", less_is_worse))
    )
    added = {kind.name: kind for kind in (pixelate, posterise)}
    monkeypatch.setattr(PERTURBATIONS, "ours", {**PERTURBATIONS.ours, **added})
    for place, level in enumerate([16, 2, 128]):
        for kind in (pixelate, posterise):
            add(Store(tmp_path), "d", "t", PERFECT, perturbation=f"{kind.name}:{level}", place=place)
    drawn = list(draw_robustness(measure([Store(tmp_path)]), {("d", "sample"): "d"}))
    shown = [re.findall(r">(\d+)</text>", picture(one))[:3] for one in drawn if "accuracy" in one.title]
    assert shown == [["2", "16", "128"], ["128", "16", "2"]]


def test_a_kind_with_a_value_has_to_say_which_values_are_worse() -> None:
    with pytest.raises(ValueError, match="pixelate:N: harm= has to say which values are worse"):
        Kind("pixelate", tiny_image, "", "N", int, 1, 256)


def test_levels_are_drawn_data_set_by_data_set_and_only_with_numbers(tmp_path: Path) -> None:
    """Means over the test sets of both are blank; reals alone are in no mean."""
    for dataset in "xy":
        for name in ("none", "jpeg:90", "jpeg:50"):
            add(Store(tmp_path), "d", dataset, PERFECT, dataset=dataset, perturbation=name)
    for name in ("blur:1.0", "blur:2.0"):
        add(Store(tmp_path), "d", "y", [0.5, 0.6], [0, 0], dataset="y", perturbation=name, place=1)
    drawn = list(draw_robustness(measure([Store(tmp_path)]), {("d", "sample"): "d"}))
    assert [(one.title, one.words.partition(".")[0]) for one in drawn] == [
        ("jpeg:Q, accuracy", "x"),
        ("jpeg:Q, average precision", "x"),
        ("jpeg:Q, accuracy", "y"),
        ("jpeg:Q, average precision", "y"),
    ]
    assert all("#0072b2" in base64.b64decode(one.source.partition(",")[2]).decode() for one in drawn)


def test_what_was_not_run_under_the_perturbation_in_colours_is_named(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT)
    add(Store(tmp_path), "e", "t", PERFECT, dataset="other", perturbation="jpeg:90")
    notes = heat_map(measure([Store(tmp_path)]), "none").notes
    words = "In the tables only, for no cell is of none:"
    assert {f"{words} detector e.", f"{words} dataset other."} <= set(notes)


def test_colours_are_blue_above_chance_and_red_below(tmp_path: Path) -> None:
    for place, scores in enumerate([PERFECT, [0.1, 0.9, 0.1, 0.9], PERFECT[::-1]]):
        add(Store(tmp_path), "d", f"t{place}", scores, place=place)
    shades = [entry.shade for entry in heat_map(measure([Store(tmp_path)]), "none").rows[0][2:5]]
    colours = [[int(shade[at : at + 2], 16) for at in (1, 3, 5)] for shade in shades]
    assert colours[0][2] > colours[0][0] + 64  # blue over red
    assert min(colours[1]) > 240
    assert colours[2][0] > colours[2][2] + 64


def test_of_several_perturbations_none_is_shown_else_the_first() -> None:
    assert plainest(["jpeg:90", "none"]) == "none"
    assert plainest(["jpeg:90", "blur:1.0"]) == "jpeg:90"


@pytest.mark.slow
def test_a_detector_has_one_look_on_the_whole_page_and_curves_the_same_test_sets(tmp_path: Path) -> None:
    """In one data set `a` lacks a test set, and in the other `b` and `c` have as many, but different ones."""
    for dataset, lacking in (("x", {"a": "t"}), ("y", {"b": "t", "c": "u"})):
        for place, testset in enumerate("tu"):
            for detector in "abc":
                if lacking.get(detector) != testset:
                    add(Store(tmp_path), detector, testset, PERFECT, dataset=dataset, place=place)
    content = collect([Store(tmp_path)], Wishes(Thumbnails({}, {})))
    legends = [dict(section.legend) for section in content["sections"]]
    assert [list(legend) for legend in legends] == [["b", "c"], ["a"]]
    looks = charts.styles(["b", "c", "a"])  # as they come up
    assert all(look == looks[name] for legend in legends for name, look in legend.items())


def test_notes_that_most_tables_share_stand_once(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT, head="f" * 64)
    write([Store(tmp_path)], tmp_path / "report.html", Wishes(Thumbnails({}, {})))
    words = Page((tmp_path / "report.html").read_text()).words
    assert words.count("Weights of d (sample): head ffffffffffff.") == 1
    assert words.count("on the very images it is judged on") == 1


def test_what_made_the_scores_and_what_was_not_scored_is_listed(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT, head="f" * 64, digest="e" * 64)
    add(Store(tmp_path), "d", "u", PERFECT, status="unreadable", place=1)
    tables = {table.name: table.frame for table in provenance(newest([Store(tmp_path)]))}
    assert tables["weights"]["sha256"].tolist() == ["f" * 64, "abc" * 20]
    assert tables["testsets"]["digest"].tolist() == ["e" * 64, "d1"]
    assert tables["failures"][["testset", "ok", "unreadable"]].values.tolist() == [["u", 3, 1]]


def test_a_whole_run_lists_no_failures(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT)
    assert "failures" not in [table.name for table in provenance(newest([Store(tmp_path)]))]


def test_terms_on_the_page_are_explained_and_no_others() -> None:
    terms = dict(glossary.explain(["A.P.", "auroc", "detector"]))
    assert list(terms) == ["A.P.", "AUROC"]


def test_hostile_names_are_only_words(tmp_path: Path) -> None:
    store = Store(tmp_path / HOSTILE.replace("/", "_"))
    for name in (HOSTILE, "'\" onmouseover=alert(1) x='"):
        add(store, name, name, ONE_WRONG, dataset=name, perturbation=name, kind=name, version=name)
    write([store], tmp_path / "report.html", Wishes(Thumbnails({}, {HOSTILE: HOSTILE})))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.scripts) == 2
    assert HOSTILE in page.words
    assert {line["testset"] for line in page.numbers} == {HOSTILE, "'\" onmouseover=alert(1) x='"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_nothing_on_the_page_leads_elsewhere(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT)
    write([Store(tmp_path)], tmp_path / "report.html", Wishes(Thumbnails({}, {})))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    places = [value for _, name, value in page.attributes if name in ("src", "href")]
    assert places
    assert all(value.startswith(("#", "data:")) for value in places)


def test_a_page_without_curves_says_no_more_than_there_is(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", [0.1, 0.2], [0, 0])
    write([Store(tmp_path)], tmp_path / "report.html", Wishes(Thumbnails({}, {}), worst=0))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Mistakes" not in page.words
    assert "Precision and recall" not in page.words
    assert page.numbers[0]["ap"] is None


def test_more_detectors_than_a_picture_holds(tmp_path: Path) -> None:
    """The best are drawn, and the page says how many there are."""
    for number in range(charts.MOST + 2):
        add(Store(tmp_path), f"d{number:02}", "t", PERFECT if number else ONE_WRONG, place=number)
    write([Store(tmp_path)], tmp_path / "report.html", Wishes(Thumbnails({}, {})))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{charts.MOST} of {charts.MOST + 2} detectors" in text
    legend = text[text.index('class="legend"') :].partition("</ul>")[0]
    assert ">d00<" not in legend
    assert ">d01<" in legend


def test_the_heat_map_stars_what_was_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for place, testset in enumerate(["gan", "sd"]):
        add(store, "d", testset, PERFECT, place=place, trained_on=["sd"])
        add(store, "clean", testset, PERFECT, place=place)
    grid = heat_map(measure([store]), "none")
    assert [[entry.mark for entry in row[-3:]] for row in grid.rows] == [["", "", ""], ["", "*", "*"]]
    assert any("seen in training" in note for note in grid.notes)


def test_a_detector_without_any_score_has_no_gallery(tmp_path: Path) -> None:
    for name in ("a", "b"):
        add(Store(tmp_path), name, "t", PERFECT)
    add(Store(tmp_path), "nothing", "t", [0.5], [0], status="failed")
    write([Store(tmp_path)], tmp_path / "report.html", Wishes(Thumbnails({}, {})))
    text = (tmp_path / "report.html").read_text()
    assert text.count('<article class="gallery">') == 2


def test_a_column_that_all_rows_share_is_explained(tmp_path: Path) -> None:
    for name in ("a", "b"):
        add(Store(tmp_path), name, "t", PERFECT)
    content = collect([Store(tmp_path)], Wishes(Thumbnails({}, {})))
    assert ("ranks", "1-2") in content["leaderboard"].everywhere
    assert "ranks" in dict(content["terms"])


def test_a_perfect_detector_is_at_the_edge_of_the_trade_off(tmp_path: Path) -> None:
    traced = curves.trace(*arrays(PERFECT), 0.5)
    assert traced is not None
    *_, chart, _ = charts.draw({"detector": traced}, charts.styles(["detector"]))
    drawn = base64.b64decode(chart.source.partition(",")[2]).decode()
    (line,) = re.findall(r'<path d="([^"]*)" clip-path="[^"]*" style="[^"]*stroke: #0072b2', drawn)
    (axis,) = re.findall(r'<g id="patch_2">\s*<path d="M [\d.]+ ([\d.]+)', drawn)
    assert {float(point.split()[1]) for point in re.findall(r"[ML] ([\d.]+ [\d.]+)", line)} == {float(axis)}
