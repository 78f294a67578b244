"""Notes below tables: what is true of several cells is said once, and each cell can still be told from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.records.store import Store
from forenbench.tables import leaderboard
from forenbench.tables.makers import TABLES
from forenbench.tables.notes import of_lacking
from forenbench.tables.pairs import compare
from forenbench.tables.rendering import render


def notes(store: Store) -> list[str]:
    return list(of_lacking(tables.measure([store])))


def test_what_all_lost_is_said_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for detector in "ab":
        for perturbation in ("none", "jpeg:75"):
            add(store, detector, "t", PERFECT, status="unreadable", perturbation=perturbation)
            add(store, detector, "u", PERFECT, perturbation=perturbation)
    assert notes(store) == ["Not all images were scored: data/t 3 of 4 (1 unreadable) by all."]


def test_who_lost_what_can_be_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for detector, lost in (("a", [0]), ("b", [0]), ("c", [0, 3]), ("d", [])):
        for perturbation in ("none", "jpeg:75"):
            status = "failed" if lost else "ok"
            add(store, detector, "t", PERFECT, status=status, lost=lost, perturbation=perturbation)
    add(store, "e", "t", PERFECT, status="failed")
    assert notes(store) == [
        "Not all images were scored: data/t 3 of 4 (1 failed) by a, b (jpeg:75, none) and by e (none); "
        "data/t 2 of 4 (2 failed) by c (jpeg:75, none)."
    ]


def test_test_sets_without_a_label_share_a_note(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for detector in "ab":
        for testset in "tuv":
            add(store, detector, testset, [0.9, 0.8], [1, 1])
        add(store, detector, "w", [0.9, 0.8], [0, 0])
    add(store, "a", "x", [0.9, 0.8], [1, 1], status="failed", lost=2)
    add(store, "b", "x", [0.9, 0.8], [1, 1])
    assert notes(store) == [
        "Not all images were scored: data/x 0 of 2 (2 failed) by a (none).",
        "Blank, for there are no real images: data/t, data/u, data/v by all; data/x by b (none).",
        "Blank, for there are no fake images: data/w by all.",
        "Blank, for there are no images: data/x by a (none).",
    ]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Runs of one and of four detectors on as many test sets, on each of which something is amiss."""
    for number in (1, 4):
        store = Store(tmp_path / str(number))
        for d in range(number):
            for t in range(number):
                add(store, f"d{d}", f"t{t}", ONE_WRONG, status="failed", digest=f"{d}", version=f"{t}")
                add(store, f"d{d}", f"one{t}", [0.1, 0.2], [0, 0])
    return tmp_path


def test_notes_grow_with_what_there_is_to_say_and_not_with_cells(many: Path) -> None:
    few, much = (tables.measure([Store(many / number)]) for number in "14")
    for name in ("acc-ap", "summary", "cells"):
        one, several = (TABLES[name].make(cells).notes for cells in (few, much))
        # of several there is more to say: that their images and versions differ
        assert len(several) <= len(one) + 2 + 4, (
            name
        )  # and the images behind each of the four detectors' rows
        assert all(f"t{t}" in "".join(several) for t in range(4)), name


def test_warnings_name_all_that_they_are_about(many: Path) -> None:
    made = tables.make("acc-ap", [Store(many / "4")])
    warnings = [note for note in made.notes if note.startswith("WARNING")]
    assert [warning.partition(" rest on ")[0] for warning in warnings] == [
        "WARNING: cells of data/t0, data/t1, data/t2, data/t3",
        "WARNING: cells of d0 (sample), d1 (sample), d2 (sample), d3 (sample)",
    ]
    for style in ("text", "markdown", "latex", "html"):
        assert render(made, style).count("WARNING") == 2, style


def test_a_reason_for_no_rank_is_given_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for perturbation in ("none", "jpeg:75"):
        for testset in "tu":
            add(store, "whole", testset, PERFECT, perturbation=perturbation)
        for detector in ("p", "q"):
            add(store, detector, "t", PERFECT, perturbation=perturbation)
    cells = tables.measure([store])
    found = [
        note
        for note in leaderboard.remarks(cells, leaderboard.standings(cells))
        if note.startswith("No rank")
    ]
    assert len(found) == 1
    for perturbation in ("none", "jpeg:75"):
        assert f"p (sample), q (sample) on data under {perturbation}, protocol all" in found[0]


def test_comparisons_name_test_sets_of_one_label_together(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for detector in "ab":
        for testset in "tu":
            add(store, detector, testset, [0.9, 0.8], [1, 1])
        add(store, detector, "both", PERFECT)
    made = compare([store])
    assert "‡ test sets of one label, which are in no mean: data/t, data/u." in made.notes
    assert "Blank on data/t, data/u: no real images." in made.notes
