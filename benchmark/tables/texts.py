"""A table in words: what stands in each place, the same in every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from forenbench.printable import for_markdown

from .marks import SIGNS
from .printed import levels, number
from .values import Values

_A_NUMBER = re.compile(rf"[+-]?[\d.]+(e-\d+)?( \[-?[\d.]+, -?[\d.]+\])?[{SIGNS}]*")


@dataclass(frozen=True, slots=True)
class Texts:
    """A table in words, with the rows and columns that are shown; what a value does not have is empty.

    Attributes:
        values: With the table's decimals; counts and words as they are.
        low: Lower ends of intervals.
        high: Upper ends.
        marks: Signs.
    """

    values: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    marks: pd.DataFrame

    @property
    def together(self) -> pd.DataFrame:
        """Values with interval and signs in one cell: copying the one copies the others."""
        between = " [" + self.low + ", " + self.high + "]"
        return self.values + between.where(self.low != "", "") + self.marks


def in_words(table: Values) -> Texts:
    """Write a table's values, intervals and signs as texts, transposed where that is asked for."""
    frame, sides = table.frame, [table.frame, None, None, table.marks]
    if table.shows_intervals:
        sides[1:3] = table.low, table.high
    written = [[[""] * len(frame)] * frame.shape[1] for _ in sides]
    for at, name in enumerate(frame.columns):
        signed = table.signed != "" and levels(name)[-1] == table.signed
        for side, texts in zip(sides[:3], written[:3], strict=True):
            if side is not None:
                texts[at] = _column(side.iloc[:, at], table.decimals, signed)
        if table.marks is not None:
            signs = zip(written[0][at], table.marks.iloc[:, at], strict=True)
            written[3][at] = [sign if value else "" for value, sign in signs]
    frames = [
        pd.DataFrame(dict(enumerate(texts)), range(len(frame)), dtype=object)
        .set_axis(frame.columns, axis=1)
        .set_axis(frame.index)
        for texts in written
    ]
    return Texts(*(one.T if table.look.transposed else one for one in frames))


def spelled(text: pd.DataFrame, table: Values, spell: Callable[[str], str]) -> pd.DataFrame:
    """Write names of rows and columns, and words among the values, so that a format only shows them."""

    def name(known: object) -> str:
        return spell(table.look.rename.get(str(known), str(known)))

    # Numbers are left alone: a minus sign before one would be taken for the beginning of a formula.
    values = {at: [one if is_number(one) else name(one) for one in text.iloc[:, at]] for at in _places(text)}
    frame = pd.DataFrame(values, index=range(len(text)), dtype=object)
    for axis, labels in (("index", text.index), ("columns", text.columns)):
        spelt = [list(map(name, labels.get_level_values(n))) for n in range(labels.nlevels)]
        names = [None if one is None else name(one) for one in labels.names]
        single = pd.Index(spelt[0], name=names[0])
        setattr(frame, axis, pd.MultiIndex.from_arrays(spelt, names=names) if labels.nlevels > 1 else single)
    return frame


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


def _column(values: pd.Series, decimals: int, signed: bool) -> list[str]:
    """Write one column."""
    if pd.api.types.is_integer_dtype(values) or pd.api.types.is_string_dtype(values):
        return ["" if pd.isna(value) else str(value) for value in values.tolist()]
    return [number(value, decimals, signed) for value in values.tolist()]


def _places(frame: pd.DataFrame) -> range:
    return range(frame.shape[1])
