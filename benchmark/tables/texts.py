"""A table in words: what stands in each place, the same in every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import pandas as pd

from forenbench.printable import for_markdown

from .cell_frame import labels_of
from .marks import SIGNS
from .printed import levels, number
from .values import Values

_A_NUMBER = re.compile(rf"[+-]?[\d.]+(e-\d+)?( \[-?[\d.]+, -?[\d.]+\])?[{SIGNS}]*")


Columns: TypeAlias = list[list[str]]
"""The texts of a table, column by column: pandas takes a hundred times as long for each."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A table in words, with the rows and columns that are shown; what a value does not have is empty.

    Attributes:
        rows: Their labels.
        heads: Those of the columns.
        values: With the table's decimals; counts and words as they are.
        low: Lower ends of intervals.
        high: Upper ends.
        marks: Signs.
    """

    rows: pd.Index
    heads: pd.Index
    values: Columns
    low: Columns
    high: Columns
    marks: Columns

    @property
    def together(self) -> Columns:
        """Values with interval and signs in one cell: copying the one copies the others."""
        return [
            [
                f"{value}{f' [{low}, {high}]' if low else ''}{signs}"
                for value, low, high, signs in zip(*one, strict=True)
            ]
            for one in zip(self.values, self.low, self.high, self.marks, strict=True)
        ]


def in_words(table: Values) -> Texts:
    """Write a table's values, intervals and signs as texts, transposed where that is asked for."""
    frame, blank = table.frame, [[""] * len(table.frame)] * table.frame.shape[1]

    def written(side: pd.DataFrame | None) -> Columns:
        if side is None:
            return blank
        columns = []
        for name, (_, column) in zip(frame.columns, side.items(), strict=True):
            if pd.api.types.is_integer_dtype(column) or pd.api.types.is_string_dtype(column):
                columns.append(["" if pd.isna(value) else str(value) for value in column.tolist()])
            else:
                signed = table.signed != "" and levels(name)[-1] == table.signed
                columns.append([number(value, table.decimals, signed) for value in column.tolist()])
        return columns

    values, marks = written(frame), blank
    low, high = (written(side if table.shows_intervals else None) for side in (table.low, table.high))
    if table.marks is not None:
        marks = [
            [sign if value else "" for value, sign in zip(texts, signs.tolist(), strict=True)]
            for texts, (_, signs) in zip(values, table.marks.items(), strict=True)
        ]
    if table.look.transposed:
        sides = (
            [[column[row] for column in side] for row in range(len(frame))]
            for side in (values, low, high, marks)
        )
        return Texts(frame.columns, frame.index, *sides)
    return Texts(frame.index, frame.columns, values, low, high, marks)


class Level(NamedTuple):
    """One level of the labels of rows, or of columns: its name, if it has one, and its texts."""

    name: str | None
    texts: list[str]


@dataclass(frozen=True, slots=True)
class Spelled:
    """A table of which a format only shows what is there.

    Attributes:
        rows: The levels of their labels.
        heads: Those of the columns' labels.
        columns: Texts.
    """

    rows: list[Level]
    heads: list[Level]
    columns: Columns

    @property
    def frame(self) -> pd.DataFrame:
        """The same for pandas to lay out."""
        rows = range(len(self.rows[0].texts))
        frame = pd.DataFrame(dict(enumerate(self.columns)), index=rows, dtype=object)
        frame.index, frame.columns = (
            labels_of([level.texts for level in side], [level.name for level in side])
            for side in (self.rows, self.heads)
        )
        return frame


def spelled(
    columns: Columns, rows: pd.Index, heads: pd.Index, table: Values, spell: Callable[[str], str]
) -> Spelled:
    """Write names of rows and columns, and words among the texts, so that a format only shows them.

    Args:
        columns: The texts.
        rows: Labels of rows.
        heads: Labels of the columns.
        table: Whose look says what is called otherwise.
        spell: Writes any text as the format takes it.
    """

    def name(known: object) -> str:
        return spell(table.look.rename.get(str(known), str(known)))

    def each_level(labels: pd.Index) -> list[Level]:
        names = [None if one is None else name(one) for one in labels.names]
        return [Level(one, list(map(name, labels.get_level_values(at)))) for at, one in enumerate(names)]

    # Numbers are left alone: a minus sign before one would be taken for the beginning of a formula.
    texts = [[one if is_number(one) else name(one) for one in column] for column in columns]
    return Spelled(each_level(rows), each_level(heads), texts)


def as_markdown(columns: Sequence[tuple[str, Sequence[object]]]) -> str:
    """Lay out columns, each with its name, as a Markdown table, numbers to the right."""
    names, texts, sides = [], [], []
    for name, column in columns:
        text = [value if is_number(value) else for_markdown(value) for value in map(str, column)]
        right = all(not value or is_number(value) for value in text)
        names.append(for_markdown(name))
        sides.append("---:" if right else ":---")
        texts.append(text)
    return "".join(f"| {' | '.join(line)} |\n" for line in (names, sides, *zip(*texts, strict=True)))


def is_number(value: str) -> bool:
    """Say whether a cell of a table is a number, with an interval and signs perhaps."""
    return _A_NUMBER.fullmatch(value) is not None
