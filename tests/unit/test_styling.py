"""Tables shown in another way say the same numbers, in every format."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from forenbench.errors import BenchError
from forenbench.printable import STYLES
from forenbench.tables.latex import Setting
from forenbench.tables.rendering import render
from forenbench.tables.table import Table


@pytest.fixture
def table() -> Table:
    index = pd.Index(["univfd:lc", "npr", "lgrad"], name="detector")
    columns = pd.MultiIndex.from_product([["gan", "sd"], ["A.P.", "EER"]], names=["testset", "metric"])
    values = [[90.0, 10.0, 80.0, 30.0], [70.0, 20.0, 60.0, 20.0], [50.0, 30.0, 40.0, 10.0]]
    frame = pd.DataFrame(values, index, columns)
    marks = pd.DataFrame("", index, columns)
    marks.iloc[0, 2] = "*"
    low = frame - 5
    low.loc[:, pd.IndexSlice[:, "EER"]] = math.nan
    return Table("t", "Title", frame, ("A note.",), low=low, high=low + 15, marks=marks)


def test_digits_are_those_that_are_asked_for_in_every_format(table: Table) -> None:
    for style in set(STYLES) - {"tidy", "json"}:
        text = render(table.styled(digits=3), style)
        assert "90.000" in text, style
        assert "85.000" in text, style
    assert render(table.styled(digits=0, intervals=False), "csv").splitlines()[-1] == "lgrad,50,30,40,,10"


@pytest.mark.parametrize("digits", [-1, 11])
def test_digits_that_no_number_has_are_refused(table: Table, digits: int) -> None:
    with pytest.raises(BenchError, match=f"digits {digits} is not a whole number from 0 to 10"):
        table.styled(digits=digits)


def test_renamed_labels_are_renamed_in_every_format_and_said(table: Table) -> None:
    shown = table.styled(rename={"npr": "NPR", "sd": "Stable D.", "A.P.": "AP", "detector": "Method"})
    for style in STYLES:
        text = render(shown, style)
        names = ["NPR", "Stable D.", "AP"] + (["Method"] if style not in ("tidy", "json") else [])
        assert all(name in text for name in names), style
        body = "\n".join(line for line in text.splitlines() if "Renamed here" not in line)
        assert not any(name in body for name in ("npr", "A.P.")), style
    assert shown.notes[-1] == "Renamed here: NPR is npr, Stable D. is sd, AP is A.P., Method is detector."
    assert list(shown.frame.index) == list(table.frame.index)


def test_renaming_changes_nothing_of_what_stands_out(table: Table) -> None:
    """Which of two equal error rates is the better one hangs on the name of the metric."""
    plain, renamed = table.to_latex(), table.styled(rename={"EER": "Errors", "A.P.": "AP"}).to_latex()
    assert [line.count("textbf") for line in plain.splitlines()] == [
        line.count("textbf") for line in renamed.splitlines() if "Renamed" not in line
    ]
    assert r"lgrad & 50.0 [45.0, 60.0] & 30.0 & 40.0 [35.0, 50.0] & \textbf{10.0}" in renamed


def test_a_name_that_is_in_no_label_is_refused_with_near_ones(table: Table) -> None:
    with pytest.raises(BenchError, match="unknown name in table 't' 'univfd': did you mean univfd:lc"):
        table.styled(rename={"univfd": "UnivFD"})


@pytest.mark.parametrize("rename", [{"npr": "lgrad"}, {"npr": "X", "lgrad": "X"}])
def test_one_name_never_stands_for_two_things(table: Table, rename: dict[str, str]) -> None:
    with pytest.raises(BenchError, match="'npr' and 'lgrad' would both be called"):
        table.styled(rename=rename)


def test_names_may_be_exchanged(table: Table) -> None:
    lines = table.styled(rename={"npr": "lgrad", "lgrad": "npr"}).to_csv().splitlines()
    assert [line.split(",")[0] for line in lines[-2:]] == ["lgrad", "npr"]


def test_words_among_the_values_are_renamed_with_the_labels() -> None:
    frame = pd.DataFrame({"worst on": ["sd", ""]}, index=pd.Index(["a", "sd"], name="detector"))
    shown = Table("t", "T", frame, ()).styled(rename={"sd": "SD 1.4"})
    assert shown.to_csv().splitlines()[1:] == ["a,SD 1.4", "SD 1.4,"]


def test_transposed_every_value_keeps_its_row_column_interval_and_signs(table: Table) -> None:
    turned = table.styled(transpose=True)
    assert turned.to_csv().splitlines() == [
        "testset,metric,univfd:lc,univfd:lc marks,univfd:lc low,univfd:lc high,npr,npr low,npr high,lgrad,"
        "lgrad low,lgrad high",
        "gan,A.P.,90.0,,85.0,100.0,70.0,65.0,80.0,50.0,45.0,60.0",
        "gan,EER,10.0,,,,20.0,,,30.0,,",
        "sd,A.P.,80.0,*,75.0,90.0,60.0,55.0,70.0,40.0,35.0,50.0",
        "sd,EER,30.0,,,,20.0,,,10.0,,",
    ]
    assert (
        "| sd | A.P. | 80.0 [75.0, 90.0]* | 60.0 [55.0, 70.0] | 40.0 [35.0, 50.0] |" in turned.to_markdown()
    )
    assert r"sd & A.P. & \textbf{80.0 [75.0, 90.0]*} & \underline{60.0 [55.0, 70.0]} & 40.0 [35.0, 50.0]" in (
        turned.to_latex()
    )
    assert r" & EER & 30.0 & \underline{20.0} & \textbf{10.0}" in turned.to_latex()


def test_one_number_a_line_has_nothing_to_transpose(table: Table) -> None:
    for style in ("tidy", "json"):
        with pytest.raises(BenchError, match=f"format '{style}' has one number a line"):
            render(table.styled(transpose=True), style)


def test_intervals_are_shown_where_there_is_room_and_otherwise_on_request(table: Table) -> None:
    crowded = replace(table, crowded=True)
    for style in set(STYLES) - {"tidy", "json"}:
        holds = {
            name: "85.0" in render(one, style)
            for name, one in {
                "roomy": table,
                "left out": table.styled(intervals=False),
                "crowded": crowded,
                "asked for": crowded.styled(intervals=True),
            }.items()
        }
        assert holds == {"roomy": True, "left out": False, "crowded": False, "asked for": True}, style
    for style in ("tidy", "json"):  # programs have room
        assert "85.0" in render(crowded, style)
        assert "85.0" not in render(crowded.styled(intervals=False), style)


def test_intervals_that_are_not_there_are_not_promised(table: Table) -> None:
    with pytest.raises(BenchError, match="no number of table 't' has an interval"):
        replace(table, low=None, high=None).styled(intervals=True)


def test_settings_of_latex_are_refused_elsewhere(table: Table) -> None:
    with pytest.raises(BenchError, match="are for format 'latex', not 'csv'"):
        render(table, "csv", setting=Setting(wide=True))
