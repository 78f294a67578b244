"""Figures for papers: what is drawn is what scikit-learn and the tables say, and files are what they take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_curve
from stored_cells import add

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.front.plotting import KINDS
from forenbench.front.results import Results
from forenbench.records.finished import newest
from forenbench.records.store import Store
from forenbench.report.paper_figures import Figure, curve_figure, level_figure
from forenbench.report.printing import drawable
from forenbench.tables import measure

LABELS = [0] * 15 + [1] * 25
TESTSETS = ("gan", "sd")
LEVELS = ("none", "jpeg:90", "jpeg:50")
NAMES = {("one", "sample"): "one", ("two", "sample"): "two"}


def scores(*seed: str) -> list[float]:
    random = np.random.default_rng(list("".join(seed).encode()))
    return list(np.round(np.clip(random.normal(0.35, 0.2, 40) + 0.3 * np.array(LABELS), 0, 1), 2))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "run")
    for place, testset in enumerate(TESTSETS):
        for name, _ in NAMES:
            for level in LEVELS:
                where: dict[str, Any] = {"place": place, "perturbation": level}
                where |= {"trained_on": ["gan"]} if name == "two" else {}
                add(store, name, testset, scores(name, testset, level), LABELS, **where)
    return store


def drawn(kind: str, store: Store, failed_as: str = "missing", **of: str) -> Figure:
    of = {"perturbation": "none", **of}
    cells = measure([store], failed_as=failed_as)
    for column, value in of.items():
        cells = cells[cells[column] == value]
    scored = [
        one for one in newest([store]) if all(getattr(one, name) == value for name, value in of.items())
    ]
    return curve_figure(kind, scored, cells, NAMES, failed_as)


def test_points_of_one_test_set_are_those_of_scikit_learn(store: Store) -> None:
    (panel,) = drawn("roc", store, testset="sd").panels
    for line in panel.lines:
        fpr, tpr, _ = roc_curve(LABELS, scores(line.name, "sd", "none"), drop_intermediate=False)
        assert (line.x.tolist(), line.y.tolist()) == (fpr.tolist(), tpr.tolist())
        assert line.value == pytest.approx(100 * auc(fpr, tpr))
    assert (panel.x, panel.y, panel.chance) == ("False positive rate", "True positive rate", True)
    (panel,) = drawn("pr", store, testset="sd").panels
    for line in panel.lines:
        precision, recall, _ = precision_recall_curve(LABELS, scores(line.name, "sd", "none"))
        assert (line.x.tolist(), line.y.tolist()) == (recall[::-1].tolist(), precision[::-1].tolist())
        assert line.is_stepped  # as average precision is computed
    assert (panel.x, panel.y, panel.chance) == ("Recall", "Precision", False)


def test_a_mean_curve_is_the_mean_of_the_test_sets_and_its_area_that_of_the_tables(store: Store) -> None:
    (panel,) = drawn("roc", store).panels
    means = tables.make("acc-ap", [store], metrics=["auroc"]).frame.loc["none"]["Mean", "AUROC"]
    for line in panel.lines:
        assert line.value == pytest.approx(means[line.name, "sample"])
        assert 100 * auc(line.x, line.y) == pytest.approx(line.value, abs=0.3)


def test_lines_carry_the_signs_of_what_they_rest_on_and_the_notes_explain_them(store: Store) -> None:
    figure = drawn("roc", store)
    assert [line.signs for line in figure.panels[0].lines] == ["", "*"]
    assert any(note.startswith("* generator or reals seen in training") for note in figure.notes)
    assert [line.signs for line in drawn("roc", store, testset="sd").panels[0].lines] == ["", ""]
    levels = level_figure(measure([store]), NAMES, ["ap"])
    assert [line.signs for line in levels.panels[0].lines] == ["", "*"]


def test_images_without_a_score_are_left_out_or_errors_as_in_tables(store: Store) -> None:
    values = scores("one", "sd", "none")
    add(store, "one", "sd", values, LABELS, place=1, status="failed", lost=[0, 39])
    (line, _) = drawn("roc", store, testset="sd").panels[0].lines
    fpr, tpr, _ = roc_curve(LABELS[1:-1], values[1:-1], drop_intermediate=False)
    assert (line.x.tolist(), line.y.tolist()) == (fpr.tolist(), tpr.tolist())
    assert line.signs == "†"
    (line, _) = drawn("roc", store, "wrong", testset="sd").panels[0].lines
    fpr, tpr, _ = roc_curve(LABELS, [2, *values[1:-1], -2], drop_intermediate=False)
    assert (line.x.tolist(), line.y.tolist()) == (fpr.tolist(), tpr.tolist())
    assert line.signs == ""


def test_who_lacks_a_test_set_is_not_drawn_over_the_others_and_said(store: Store) -> None:
    add(store, "one", "vae", PERFECT_LIKE, LABELS, place=3)
    figure = drawn("roc", store)
    assert [line.name for line in figure.panels[0].lines] == ["one"]
    assert "Not drawn, without a curve on every test set of data: two." in figure.notes


PERFECT_LIKE = [0.1] * 15 + [0.9] * 25


def test_levels_are_those_of_the_robustness_table_the_mildest_first(store: Store) -> None:
    table = tables.make("robustness", [store], metrics=["auroc"]).frame
    (panel,) = level_figure(measure([store]), NAMES, ["auroc"]).panels
    assert list(panel.ticks) == ["none", "90", "50"]
    assert panel.y == "AUROC (%)"
    for line in panel.lines:
        row = table.loc[line.name, "sample"]
        wanted = [row["none", "", "AUROC"], row["jpeg", "90", "AUROC"], row["jpeg", "50", "AUROC"]]
        assert line.y.tolist() == wanted
    none = measure([store]).query("perturbation == 'none'")
    with pytest.raises(BenchError, match="no kind of perturbation was run at two levels"):
        level_figure(none, NAMES, ["auroc"])


@pytest.mark.slow
def test_files_hold_fonts_and_notes_and_are_the_same_each_time(store: Store, tmp_path: Path) -> None:
    results = Results([store])
    for kind in KINDS:
        first = results.plot(kind, tmp_path / f"{kind}.pdf", progress=False).read_bytes()
        assert first.startswith(b"%PDF")
        assert b"/FontFile2" in first  # outlines as TrueType
        assert b"/Type3" not in first
        assert b"seen in training" in first
        width = float(re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", first)[1])  # type: ignore[index]
        assert width == pytest.approx(3.25 * 72)
    assert results.plot("heat", tmp_path / "again.pdf", progress=False).read_bytes() == first
    wide = results.plot("roc", tmp_path / "roc.svg", wide=True, progress=False).read_text(encoding="utf-8")
    assert "<text" not in wide  # letters are outlines
    assert 'width="495pt"' in wide
    assert "seen in training" in wide
    assert results.plot("heat", tmp_path / "heat.PNG", progress=False).read_bytes().startswith(b"\x89PNG")


def test_letters_that_the_font_lacks_are_written_as_escapes() -> None:
    assert drawable("LGrad †×σ") == "LGrad †×σ"
    assert drawable("中\n") == "\\u4e2d\\n"


@pytest.mark.parametrize(
    ("kind", "out", "options", "message"),
    [
        ("rok", "a.pdf", {}, "unknown kind of figure 'rok': did you mean roc"),
        ("roc", "a.jpg", {}, "'a.jpg' is no figure: give it a name that ends in .pdf, .svg, .png"),
        ("roc", "a.pdf", {"metrics": "ap"}, "figure 'roc' is of one metric"),
        ("robustness", "a.pdf", {"metrics": "nll"}, "metric 'nll' is no share"),
        ("robustness", "a.pdf", {"perturbation": "jpeg:90"}, "is of all perturbations"),
        ("roc", "a.pdf", {"testset": "gann"}, "unknown test set in these runs 'gann': did you mean gan"),
        ("roc", "a.pdf", {"perturbation": "jpeg:9"}, "unknown perturbation in these runs"),
        ("roc", "a.pdf", {"detectors": ["oone"]}, "unknown detector in these runs 'oone': did you mean one"),
        ("roc", "a.pdf", {"rename": {"tvo": "x"}}, "unknown name in this figure 'tvo': did you mean two"),
        ("roc", "a.pdf", {"rename": {"two": "one"}}, "two things would be called 'one'"),
        ("heat", "a.pdf", {"rename": {"gan": "sd"}}, "two things would be called 'sd'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_no_file(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    out: str,
    options: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=message):
        Results([store]).plot(kind, out, progress=False, **options)
    assert not Path(out).exists()
