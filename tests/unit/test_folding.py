"""Tables in a terminal of few columns: nothing is lost, and as little as possible is said twice."""

from __future__ import annotations

import pandas as pd
import pytest

from forenbench.tables.folding import fold
from forenbench.tables.readable import for_readers
from forenbench.tables.rendering import render
from forenbench.tables.table import Table

SETS = [f"testset-{number}" for number in range(11)]
DETECTORS = [f"some-detector:variant-{number}" for number in range(9)]


def wide() -> Table:
    """Nine detectors on eleven test sets, each number another one."""
    columns = pd.MultiIndex.from_product([SETS, ["Acc.", "A.P."]], names=["testset", "metric"])
    index = pd.MultiIndex.from_product(
        [["none"], DETECTORS, ["published"]], names=["perturbation", "detector", "weights"]
    )
    values = [[10 + row + column / 100 for column in range(22)] for row in range(9)]
    return Table("t", "A title", pd.DataFrame(values, index, columns), (), 2)


@pytest.mark.parametrize("width", [40, 60, 80, 300])
def test_every_number_is_there_once_and_no_line_is_too_long(width: int) -> None:
    text = wide().to_text(width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    words = text.split()
    for row in range(9):
        for column in range(22):
            assert words.count(f"{10 + row + column / 100:.2f}") == 1
    assert all(name in text for name in (*SETS, *DETECTORS))


def test_what_all_rows_share_is_said_above_them() -> None:
    text = wide().to_text(80)
    assert text.splitlines()[0] == "A title. In all rows: perturbation none; weights published."
    assert text.count("published") == 1
    assert wide().to_text().count("published") == 9


def test_names_that_leave_no_room_become_headings() -> None:
    index = pd.MultiIndex.from_tuples(
        [("first-of-two-long-names", "a"), ("first-of-two-long-names", "b"), ("second", "a")],
        names=["one", "two"],
    )
    frame = pd.DataFrame({"value": ["1.0", "2.0", "3.0"]}, index=index)
    assert fold(frame, 80).splitlines()[-1].startswith("second")
    assert fold(frame, 24).split("\n\n") == [
        "one first-of-two-long-names",
        "    value\ntwo\na     1.0\nb     2.0",
        "one second",
        "    value\ntwo\na     3.0",
    ]


def test_a_row_without_a_rank_has_a_blank() -> None:
    frame = pd.DataFrame(
        {"rank": pd.array([1, None], "Int64"), "ap": [50.0, 60.0]},
        index=pd.Index(["a", "b"], name="detector"),
    )
    table = Table("t", "T", frame, ())
    assert "NA" not in "".join(render(table, style, 80) for style in ("text", "csv", "markdown", "latex"))


def board(detectors: list[str], marks: list[str]) -> Table:
    """Of such columns as leaderboards have."""
    number = len(detectors)
    values = {
        "rank": list(range(1, number + 1)),
        "weights": ["sample"] * number,
        "dataset": ["data"] * number,
        "perturbation": [f"jpeg:{at}" for at in range(number)],
        "images": [120] * number,
        "scored": list(range(number)),
        "ap": [50.0] * number,
    }
    frame = pd.DataFrame(values, index=pd.Index(detectors, name="detector"))
    signs = pd.DataFrame("", frame.index, frame.columns).assign(images=marks)
    return Table("t", "T", frame, (), low=frame[["ap"]] - 1, high=frame[["ap"]] + 1, marks=signs)


def test_readers_find_names_in_front_and_counts_at_the_end() -> None:
    table, shared = for_readers(board(["a", "b"], ["*", "*"]))
    assert table.frame.index.names == ["perturbation", "detector"]
    assert list(table.frame) == ["rank", "ap", "scored"]
    assert shared == [("dataset", "data"), ("weights", "sample"), ("images", "120*")]
    assert table.low is not None
    assert table.low["ap"].tolist() == [49.0, 49.0]
    assert table.low.index.equals(table.frame.index)


def test_a_sign_that_one_row_has_keeps_the_column() -> None:
    table, shared = for_readers(board(["a", "b"], ["*", ""]))
    assert list(table.frame) == ["rank", "ap", "images", "scored"]
    assert "images" not in dict(shared)


def test_ranks_are_left_out_where_there_is_nobody_to_be_ahead_of() -> None:
    assert list(for_readers(board(["a", "a"], ["", ""]))[0].frame) == ["ap", "scored"]


def test_something_is_left_of_a_table_whose_rows_are_alike() -> None:
    frame = pd.DataFrame({"n": [1, 1]}, index=pd.Index(["a", "a"], name="detector"))
    table, shared = for_readers(Table("t", "T", frame, ()))
    assert table.frame["n"].tolist() == [1, 1]
    assert shared == []
