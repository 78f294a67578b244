"""The robustness table: which mean stands where, and that none is over fewer test sets."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import tables
from forenbench.records.store import Store
from forenbench.tables.rendering import render
from forenbench.tables.robustness import family_and_level

LAUNDERED = "fit-lanczos:1600+jpeg:50"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for place, testset in enumerate(["stylegan", "biggan"]):
        add(store, "good", testset, PERFECT, place=place)
        add(store, "poor", testset, PERFECT, place=place)
        for name in (LAUNDERED, "jpeg:100", "gray+noise:2.0", "blur:10.0", "jpeg:30", "blur:2.0", "gray"):
            add(store, "good", testset, ONE_WRONG, place=place, perturbation=name)
    return store


def test_columns_are_kinds_then_levels_by_number(store: Store) -> None:
    frame = tables.make("robustness", [store]).frame
    assert list(dict.fromkeys(column[:2] for column in frame.columns)) == [
        ("none", ""),
        ("jpeg", "30"),
        ("jpeg", "100"),
        ("blur", "2.0"),
        ("blur", "10.0"),
        ("gray", ""),
        ("chain", "gray+noise:2.0"),
        ("laundering", "whatsapp"),
    ]
    assert [column[2] for column in frame.columns[:2]] == ["Acc.", "A.P."]


def test_values_are_means_over_the_test_sets(store: Store) -> None:
    labels, scores = with_wrong_reals(5)
    add(store, "good", "biggan", scores, labels, place=1, perturbation="jpeg:30")
    row = tables.make("robustness", [store]).frame.loc[("good", "sample")]
    assert row["jpeg", "30", "Acc."] == pytest.approx((50 + 75) / 2)
    assert row["jpeg", "30", "A.P."] == pytest.approx((250 / 3 + 200 / 3) / 2)
    assert row["jpeg", "100", "A.P."] == pytest.approx(250 / 3)
    assert row["none", "", "A.P."] == 100


def test_no_mean_over_some_of_the_test_sets(store: Store) -> None:
    add(store, "poor", "biggan", PERFECT, place=1, perturbation="jpeg:30")
    table = tables.make("robustness", [store])
    row = table.frame.loc[("poor", "sample")]
    assert list(row.dropna().index) == [("none", "", "Acc."), ("none", "", "A.P.")]
    assert "Blank: poor (sample) under jpeg:30 was run on 1 of 2 test sets." in table.notes
    assert "Blank: poor (sample) under gray was run on 0 of 2 test sets." in table.notes
    assert not [note for note in table.notes if note.startswith("Blank: good")]


def test_a_new_test_set_blanks_every_mean(store: Store) -> None:
    add(store, "good", "progan", PERFECT, place=2)
    table = tables.make("robustness", [store])
    assert table.frame.loc[("good", "sample")].dropna().to_dict() == {
        ("none", "", "Acc."): 100,
        ("none", "", "A.P."): 100,
    }


def test_kinds_of_weights_are_rows_of_their_own(store: Store) -> None:
    for place, testset in enumerate(["stylegan", "biggan"]):
        add(store, "good", testset, ONE_WRONG, place=place, kind="published")
    frame = tables.make("robustness", [store]).frame
    assert set(frame.index) == {("good", "sample"), ("good", "published"), ("poor", "sample")}
    assert frame.loc[("good", "published"), ("none", "", "Acc.")] == 50


def test_a_test_set_of_one_label_is_in_no_mean(store: Store) -> None:
    before = tables.make("robustness", [store]).frame.loc[("good", "sample")]
    add(store, "good", "fakes", [0.1, 0.2], [1, 1], place=2)
    table = tables.make("robustness", [store])
    assert table.frame.loc[("good", "sample")].equals(before)
    assert not any(note.startswith("Blank: good") for note in table.notes)
    assert "fakes (fakes only)" in " ".join(table.notes)


@pytest.mark.parametrize("style", ["text", "csv", "markdown", "latex"])
def test_every_style_prints_it(store: Store, style: str) -> None:
    text = render(tables.make("robustness", [store]), style, 80)
    assert "whatsapp" in text
    assert "83.3" in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", ("none", "")),
        ("jpeg:75", ("jpeg", "75")),
        ("resize-lanczos:0.5", ("resize-lanczos", "0.5")),
        ("frank-jpeg", ("frank-jpeg", "")),
        ("jpeg:90+jpeg:75", ("chain", "jpeg:90+jpeg:75")),
        (LAUNDERED, ("laundering", "whatsapp")),
    ],
)
def test_names_are_kind_and_level(name: str, expected: tuple[str, str]) -> None:
    assert family_and_level(name) == expected
