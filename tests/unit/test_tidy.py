"""Tables for programs: one number a line, with what it is of; and JSON that every parser reads."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.files.json_documents import document
from forenbench.printable import STYLES
from forenbench.records.store import Store
from forenbench.tables import leaderboard, measure
from forenbench.tables.pairs import compare
from forenbench.tables.rendering import render
from forenbench.tables.table import Table
from forenbench.tables.tidy import COLUMNS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two detectors on two test sets; `poor` has not seen all, and knows one of them from its training."""
    store = Store(tmp_path / "run")
    for place, testset in enumerate(("gan", "sd")):
        add(store, "good", testset, PERFECT * 5, [0, 0, 1, 1] * 5, place=place)
        status = "failed" if testset == "sd" else "ok"
        told = {"place": place, "status": status, "trained_on": ["gan"]}
        add(store, "poor", testset, ONE_WRONG * 5, [0, 0, 1, 1] * 5, **told)  # type: ignore[arg-type]
    return store


def lines(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_tidy())))


def one(table: Table, **of: str) -> dict[str, str]:
    (found,) = (line for line in lines(table) if of.items() <= line.items())
    return found


def test_a_line_says_all_that_its_number_is_of(store: Store) -> None:
    table = tables.make("acc-ap", [store])
    assert table.to_tidy().splitlines()[0] == ",".join(COLUMNS)
    line = one(table, detector="poor", testset="sd", metric="Acc.")
    cell = measure([store]).query("detector == 'poor' and testset == 'sd'").iloc[0]
    assert {name: line[name] for name in COLUMNS if name not in ("value", "low", "high")} == {
        "detector": "poor",
        "weights": "sample",
        "dataset": "data",
        "testset": "sd",
        "perturbation": "none",
        "protocol": "all",
        "metric": "Acc.",
        "n_real": "9",
        "n_fake": "10",
        "n_missing": "1",
        "marks": "not all images scored",
    }
    assert [float(line[name]) for name in ("value", "low", "high")] == pytest.approx(
        [100 * cell["acc"], 100 * cell["acc_low"], 100 * cell["acc_high"]], rel=1e-15
    )


def test_a_mean_is_of_no_one_cell_and_has_its_own_interval(store: Store) -> None:
    summary = tables.make("summary", [store])
    macro = one(summary, detector="poor", metric="A.P., macro")
    line = one(tables.make("acc-ap", [store]), detector="poor", testset="Mean", metric="A.P.")
    assert line["marks"] == "seen in training; not all images scored"
    assert line["n_real"] == line["n_fake"] == line["n_missing"] == ""
    assert [line[name] for name in ("value", "low", "high")] == [
        macro[name] for name in ("value", "low", "high")
    ]


def test_every_number_of_a_table_has_a_line_and_words_have_none(store: Store) -> None:
    for name in ("acc-ap", "summary", "cells", "robustness", "real-sources"):
        table = tables.make(name, [store])
        numbers = table.frame.select_dtypes("number").size
        assert len(lines(table)) == numbers, name
    board = leaderboard.lay_out(measure([store]))
    found = {(line["detector"], line["metric"]) for line in lines(board)}
    assert {("good", "rank"), ("poor", "ap"), ("poor", "worst")} <= found
    assert {line["dataset"] for line in lines(board)} == {"data"}


def test_a_level_is_told_with_its_perturbation(store: Store) -> None:
    add(store, "good", "gan", PERFECT, perturbation="jpeg:75", place=2)
    table = tables.make("robustness", [store])
    assert one(table, detector="good", level="75", metric="Acc.")["perturbation"] == "jpeg:75"


def test_a_comparison_has_its_p_values_and_what_they_are_of(store: Store) -> None:
    table = compare([store])
    line = one(table, testset="data/gan", metric="A.P.", column="p")
    assert line["detector"].startswith("good")
    assert line["against"].startswith("poor")
    assert 0 < float(line["value"]) < 1


def test_a_name_that_is_a_formula_is_none_in_a_spreadsheet(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "=1+1", "@x", PERFECT)
    line = lines(tables.make("acc-ap", [store]))[0]
    assert (line["detector"], line["testset"]) == ("'=1+1", "'@x")


def test_json_says_title_notes_and_every_value_with_null_for_what_is_undefined(store: Store) -> None:
    add(store, "good", "reals", [0.1, 0.9], [0, 0], place=2)
    table = tables.make("acc-ap", [store])

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    read: dict[str, Any] = json.loads(table.to_json(), parse_constant=refuse)
    assert (read["schema"], read["kind"], read["name"], read["decimals"]) == (1, "table", "acc-ap", 1)
    assert read["title"] == table.title
    assert read["notes"] == list(table.notes)
    assert len(read["values"]) == table.frame.size
    found = {(v["detector"], v["testset"], v["metric"]): v for v in read["values"]}
    assert found["good", "reals", "A.P."]["value"] is None
    assert found["good", "reals", "Acc."]["marks"] == ["one label only"]
    assert found["poor", "Worst", "on"]["value"] == "gan"
    assert found["poor", "gan", "Acc."]["n_missing"] == 0


def test_documents_hold_what_json_has_no_word_for() -> None:
    frame = pd.DataFrame({"a": [1.5, math.inf], "b": pd.array([1, None], "Int64"), "c": [["x"], "ü\u202e"]})
    text = document(
        "test", frame=frame, numbers=[np.float32(0.5), np.int64(3), np.bool_(True)], path=Path("p")
    )
    assert text.isascii()
    assert json.loads(text) == {
        "schema": 1,
        "kind": "test",
        "frame": [{"a": 1.5, "b": 1, "c": ["x"]}, {"a": None, "b": None, "c": "ü\u202e"}],
        "numbers": [0.5, 3, True],
        "path": "p",
    }


def test_every_mark_stands_in_every_format() -> None:
    """Beside its number, and nowhere else."""
    index = pd.Index([f"row{at}" for at in range(7)], name="detector")
    signs = {sign: f"row{at}" for at, sign in enumerate("*†‡+±?", 1)}
    words = ["seen in training", "not all images scored", "one label only", "released after training"]
    words += ["partly released after training", "release not known"]
    frame = pd.DataFrame({"Acc.": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]}, index)
    marks = pd.DataFrame({"Acc.": ["", *signs]}, index)
    table = Table("t", "T", frame, (), marks=marks)
    latex = dict(zip(signs, ("*", r"\dag{}", r"\ddag{}", "+", r"$\pm$", "?"), strict=True))
    told = dict(zip(signs, words, strict=True))
    for style in (*STYLES, "html"):
        text = render(table, style)
        if style == "json":
            text = "\n".join(f"{v['detector']} {v['value']} {v['marks']}" for v in json.loads(text)["values"])
        if style == "html":
            text = text.replace("\n", "").replace("</tr>", "\n").replace("&#43;", "+")
        each = {"tidy": told, "json": told, "latex": latex}.get(style, {sign: sign for sign in signs})
        for value, (sign, name) in enumerate(signs.items(), 2):
            (line,) = (line for line in text.splitlines() if name in line)
            rest = line[line.index(f"{value}0.0") :]
            assert each[sign] in rest, (style, sign)
            (plain,) = (line for line in text.splitlines() if "row0" in line)
            assert each[sign] not in plain, (style, sign)


def test_every_note_stands_in_every_format_that_has_room_for_it() -> None:
    table = Table("t", "T", pd.DataFrame({"a": [1.0]}, ["x"]), ("Weights of x: y 12.", "Second."))
    for style in {*STYLES, "html"} - {"csv", "tidy"}:  # there they go to stderr
        assert all(note in render(table, style) for note in table.notes), style


def test_what_is_blank_has_no_marks_for_programs() -> None:
    frame = pd.DataFrame({"a": [math.nan]}, pd.Index(["x"], name="detector"))
    table = replace(Table("t", "T", frame, ()), marks=pd.DataFrame({"a": ["*"]}, frame.index))
    assert json.loads(table.to_json())["values"][0]["marks"] == []
    assert lines(table)[0]["marks"] == ""
