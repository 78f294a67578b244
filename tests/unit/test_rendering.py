"""What a table looks like: decimals, signs, blocks that fit a terminal."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forenbench.tables.rendering import render
from forenbench.tables.table import Table


def made(values: dict[tuple[str, ...], list[float]], decimals: int = 1, signed: str = "") -> Table:
    frame = pd.DataFrame(values, index=pd.Index(["first", "second"], name="row"))
    return Table("made", "A made table", frame, ("A note.",), decimals, signed)


def numbers(text: str) -> list[str]:
    return text.splitlines()[-1].split(",")[1:]


@pytest.mark.parametrize(("decimals", "printed"), [(0, "67"), (1, "66.7"), (2, "66.67"), (4, "66.6667")])
def test_decimals_are_the_tables_own(decimals: int, printed: str) -> None:
    table = made({("a", "x"): [1.0, 200 / 3]}, decimals)
    assert numbers(render(table, "csv")) == [printed]


def test_only_differences_carry_a_sign_and_nothing_has_none() -> None:
    table = made({("a", "is"): [1, 2.5], ("a", "by"): [0.0, 2.5], ("b", "by"): [-0.04, -2.5]}, signed="by")
    rows = [line.split(",")[1:] for line in render(table, "csv").splitlines()[-2:]]
    assert rows == [["1.0", "0.0", "0.0"], ["2.5", "+2.5", "-2.5"]]


def test_blank_is_blank_in_every_style() -> None:
    table = made({("a", "x"): [math.nan, 1.0], ("a", "y"): [2.0, math.nan]}, signed="y")
    assert render(table, "csv").splitlines()[-2:] == ["first,,+2.0", "second,1.0,"]
    for style in ("text", "markdown", "latex"):
        assert "nan" not in render(table, style).lower()


def test_signed_numbers_stay_on_the_right_in_markdown() -> None:
    table = made({("a", "by"): [-1.5, 2.5]}, signed="by")
    assert "| :--- | ---: |" in render(table, "markdown")


def test_latex_rules_a_line_under_each_group_of_columns() -> None:
    table = made(
        {("a", "x"): [1, 2], ("a", "y"): [3, 4], ("b", "x"): [5, 6], ("c", "x"): [7, 8], ("c", "y"): [9, 0]}
    )
    lines = render(table, "latex").splitlines()
    at = lines.index(r"\cmidrule(lr){2-3}\cmidrule(lr){5-6}")
    assert r"\multicolumn{2}{c}{a}" in lines[at - 1]
    assert r"\cmidrule" not in render(made({("a",): [1, 2], ("b",): [3, 4]}), "latex")


def test_latex_aligns_numbers_right_and_escapes() -> None:
    table = made({("a & b", "#x"): [1, 2.5], ("a & b", "y"): [3, 4.5]})
    text = render(table, "latex")
    assert r"\begin{tabular}{lrr}" in text
    assert r"\multicolumn{2}{c}{a \& b}" in text
    assert r"\#x" in text


def test_latex_carries_its_notes_as_comments_and_rules_no_line_between_rows() -> None:
    index = pd.MultiIndex.from_tuples([("LGrad", "4k"), ("LGrad", "9k")], names=["method", "data"])
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=index)
    text = render(Table("made", "100 % made", frame, ("A note.",)), "latex")
    before, body = text.split("\\begin{table}\n")
    assert before.splitlines()[1:] == ["% 100 % made", "% A note."]
    assert "\\begin{tabular}{llr}\n" in body
    assert "cline" not in text
    assert "multirow" not in text  # would need a package of its own


def test_a_group_that_fits_stays_whole_and_a_wide_one_is_split_at_the_next_level() -> None:
    names = [("narrow", "x", "is"), ("narrow", "x", "by")]
    names += [("wide", inner, kind) for inner in "pqrs" for kind in ("measured", "published")]
    table = made({name: [1.0, 2.0] for name in names})
    blocks = render(table, "text", 50).split("\n\n")[1:-1]
    assert max(len(line) for block in blocks for line in block.splitlines()) <= 50
    heads = [block.splitlines() for block in blocks]
    assert [row[0].split() for row in heads] == [["narrow", "wide"], ["wide"], ["wide"]]
    assert [row[1].split() for row in heads] == [["x", "p"], ["q", "r"], ["s"]]
    assert all(row[2].split().count("measured") == row[2].split().count("published") for row in heads)


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=2),
    st.integers(0, 4),
    st.booleans(),
)
def test_what_is_printed_reads_back_to_half_a_unit(values: list[float], decimals: int, signed: bool) -> None:
    table = made({("a", "x"): values}, decimals, "x" if signed else "")
    read = pd.read_csv(io.StringIO(render(table, "csv")), header=None, skiprows=3)[1]
    assert read.tolist() == pytest.approx(values, abs=0.5 * 10**-decimals + 1e-9)


def test_intervals_stand_beside_values_and_in_columns_of_their_own_in_csv() -> None:
    table = made({("a", "x"): [50.0, 60.0], ("a", "y"): [1.0, 2.0]})
    low = pd.DataFrame({("a", "x"): [40.0, math.nan], ("a", "y"): [math.nan] * 2}, index=table.frame.index)
    table = replace(table, low=low, high=low + 25)
    assert "50.0 [40.0, 65.0]" in render(table, "text")
    assert "| first | 50.0 [40.0, 65.0] | 1.0 |" in render(table, "markdown")
    assert "| :--- | ---: | ---: |" in render(table, "markdown")
    assert render(table, "csv").splitlines()[1:] == [
        ",x,x low,x high,y",
        "row,,,,",
        "first,50.0,40.0,65.0,1.0",
        "second,60.0,,,2.0",
    ]


def test_signs_stand_wherever_the_number_stands() -> None:
    """Beside it, or in CSV, where numbers must stay numbers, in a column of their own."""
    table = made({("a", "x"): [50.0, math.nan], ("a", "y"): [1.0, 2.0]})
    signs = pd.DataFrame("", table.frame.index, table.frame.columns)
    signs["a", "x"] = ["*†", "‡"]
    table = replace(table, marks=signs)
    assert "50.0*†" in render(table, "text")
    assert "‡" not in render(table, "text")
    assert "| 50.0*† | 1.0 |" in render(table, "markdown")
    assert "first & 50.0*\\dag{} & 1.0" in render(table, "latex")
    assert render(table, "csv").splitlines()[1:] == [
        ",x,x marks,y",
        "row,,,",
        "first,50.0,*†,1.0",
        "second,,,2.0",
    ]


def test_a_value_of_partial_coverage_is_never_the_best() -> None:
    frame = pd.DataFrame({"A.P.": [99.0, 70.0, 60.0]}, index=pd.Index(list("abc"), name="detector"))
    signs = pd.DataFrame({"A.P.": ["†", "", ""]}, index=frame.index)
    text = render(Table("made", "Made", frame, (), marks=signs), "latex")
    assert "a & 99.0\\dag{} \\\\" in text
    assert "b & \\textbf{70.0}" in text


def test_latex_makes_the_best_bold_and_the_second_underlined() -> None:
    frame = pd.DataFrame(
        {
            "A.P.": [50.04, 70.0, 69.96, 40.0, math.nan],
            "EER": [3.0, 1.0, 2.0, 9.0, 9.0],
            "images": [1, 2, 3, 4, 5],
        },
        index=pd.Index(list("abcde"), name="detector"),
    )
    text = render(Table("made", "Made", frame, ()), "latex")
    assert "a & \\underline{50.0} & 3.0 & 1" in text
    assert "b & \\textbf{70.0} & \\textbf{1.0} & 2" in text
    assert "c & \\textbf{70.0} & \\underline{2.0} & 3" in text
    assert "d & 40.0 & 9.0 & 4" in text
    assert "e &  & 9.0 & 5" in text


def test_detectors_compete_within_a_test_set() -> None:
    index = pd.MultiIndex.from_product([["a", "b"], ["easy", "hard"]], names=["detector", "testset"])
    frame = pd.DataFrame({"A.P.": [99.0, 60.0, 98.0, 61.0]}, index=index)
    text = render(Table("made", "Made", frame, ()), "latex")
    assert text.count("textbf") == 2
    assert "easy & \\textbf{99.0}" in text
    assert "hard & \\textbf{61.0}" in text
    assert "underline" not in text


def test_what_reads_the_same_is_bold_together_and_nothing_else() -> None:
    """1.115 is a little less, and reads 1.11; times 100, rounded, it would be 1.12."""
    index = pd.Index(["a", "b", "c"], name="detector")
    text = render(Table("cells", "t", pd.DataFrame({"A.P.": [1.115, 1.12, 1.05]}, index), (), 2), "latex")
    assert text.count("textbf") == 1
    assert "b & \\textbf{1.12}" in text
    assert "a & \\underline{1.11}" in text


def test_intervals_and_signs_find_their_values_in_whatever_order_they_come() -> None:
    table = made({("a", "x"): [1.0, 2.0], ("a", "y"): [3.0, 4.0]})
    marks = pd.DataFrame({("a", "x"): ["*", ""], ("a", "y"): ["", "†"]}, table.frame.index)
    low, high = table.frame - 0.5, table.frame + 0.5
    straight = replace(table, marks=marks, low=low, high=high)
    turned = replace(
        table, **{name: getattr(straight, name).iloc[::-1, ::-1] for name in ("marks", "low", "high")}
    )
    assert render(turned, "csv").splitlines()[-2:] == [
        "first,1.0,*,0.5,1.5,3.0,,2.5,3.5",
        "second,2.0,,1.5,2.5,4.0,†,3.5,4.5",
    ]
    for style in ("text", "markdown", "latex"):
        assert render(turned, style) == render(straight, style)


def test_a_column_without_signs_of_its_own_has_none() -> None:
    table = made({("a", "x"): [1.0, 2.0], ("a", "y"): [3.0, 4.0]})
    marks = pd.DataFrame({("a", "y"): ["", "†"]}, table.frame.index)
    assert render(replace(table, marks=marks), "csv").splitlines()[-2:] == [
        "first,1.0,3.0,",
        "second,2.0,4.0,†",
    ]


def test_a_notebook_shows_what_a_sign_means_and_folds_many_notes() -> None:
    frame = pd.DataFrame({"acc": [50.0], "where": ["<b>"]}, index=pd.Index(["a<b>"], name="detector"))
    marks = pd.DataFrame({"acc": ["*†"], "where": [""]}, index=frame.index)
    low, high = frame[["acc"]] - 1, frame[["acc"]] + 1
    notes = ('* seen in "training".', "† not all.", "another")
    table = Table("t", "T", frame, notes, low=low, high=high, marks=marks)
    page = table._repr_html_()
    told = "seen in &quot;training&quot;.; not all."
    assert f'50.0<small> [49.0, 51.0]</small><abbr title="{told}">*†</abbr>' in page
    assert '<span class="words">&lt;b&gt;</span>' in page
    assert "<b>" not in page
    assert "<details>" not in page
    assert "<details><summary>4 notes" in replace(table, notes=(*notes, "a fourth"))._repr_html_()
