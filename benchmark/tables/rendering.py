"""Tables as text, CSV, Markdown, LaTeX and, for notebooks, HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby, product
from typing import NamedTuple

import pandas as pd

from forenbench.errors import BenchError
from forenbench.printable import for_csv, for_markdown, printable, wrapped

from .best import NO_CONTEST, is_lowest_best
from .cell_frame import DETECTOR
from .folding import fold
from .marks import ONE_LABEL, PARTIAL, SIGNS
from .notebook import as_html
from .printed import levels, number
from .readable import for_readers
from .values import Values

STYLES = ("text", "csv", "markdown", "latex")
"""What the option --format of tables takes; a notebook is shown "html"."""
_BOLD, _UNDERLINE, _CLOSE = "\ue000", "\ue001", "\ue002"
"""Signs that no text has and LaTeX's escapes leave alone."""
_A_NUMBER = re.compile(rf"[+-]?[\d.]+(e-\d+)?( \[-?[\d.]+, -?[\d.]+\])?[{SIGNS}]*")
_COMMANDS = {
    _BOLD: "\\textbf{",
    _UNDERLINE: "\\underline{",
    _CLOSE: "}",
    PARTIAL: "\\dag{}",
    ONE_LABEL: "\\ddag{}",
}


class _Column(NamedTuple):
    """A column in words, row by row; what a value does not have is empty."""

    name: Hashable
    values: list[str]
    low: list[str]
    high: list[str]
    marks: list[str]


def render(table: Values, style: str, width: int | None = None) -> str:
    """Lay out a table as text, CSV, Markdown or LaTeX; values with the table's own decimals.

    Title and notes stand around it, in LaTeX as comments; CSV has no room for them, and gives signs and the
    ends of intervals columns of their own. LaTeX needs `booktabs`; in each column with several detectors the
    highest value is bold and the second underlined, where higher is better and all images were scored.

    Args:
        table: What to lay out.
        style: One of `STYLES`, or "html".
        width: Columns of the terminal, for text (see `fold` and `for_readers`).

    Raises:
        BenchError: Another style.
    """
    if style not in (*STYLES, "html"):
        raise BenchError(f"format '{style}' is none of {', '.join(STYLES)}")
    shared: list[tuple[str, str]] = []
    if style == "text" and width is not None:
        table, shared = for_readers(table)  # a terminal has no room for what says nothing
    columns = _printed(table)
    if style == "csv":
        return _as_csv(table.frame, columns)
    # Interval and signs stand in the value's own cell, so that copying the one copies the other.
    names, texts = [column.name for column in columns], []
    for _, *words in columns:
        entries = zip(*words, strict=True)
        texts.append(
            [
                f"{value} [{low}, {high}]{signs}" if low else value + signs
                for value, low, high, signs in entries
            ]
        )
    # Titles and notes, too, name what users and packages have named: detectors, test sets, files.
    spell = for_markdown if style == "markdown" else printable
    title, *notes = (spell(line) for line in (table.title, *table.notes))
    below = "".join(f"{note}\n" for note in notes)
    if style == "markdown":
        rows = pd.DataFrame(index=table.frame.index).reset_index()
        named = [(str(name), rows[name].tolist()) for name in rows]
        named += zip((" ".join(filter(None, levels(name))) for name in names), texts, strict=True)
        return f"**{title}**\n\n{as_markdown(named)}\n{below}"
    frame = _spelled(texts, table.frame.index, table.frame.columns, printable)
    if style == "latex":
        return "".join(f"% {line}\n" for line in (title, *notes)) + _as_latex(table, frame)
    if style == "html":
        return as_html(title, frame, notes)
    if width is None:
        return f"{title}\n\n{frame.to_string()}\n\n{below}"
    everywhere = "; ".join(f"{name} {value}" for name, value in shared)
    above = printable(f"{title}. In all rows: {everywhere}." if everywhere else title)
    below = "".join(f"{wrapped(note, width)}\n" for note in notes)
    return f"{wrapped(above, width)}\n\n{fold(frame, width)}\n\n{below}"


def _printed(table: Values) -> list[_Column]:
    """Print values with the table's decimals, counts and words as they are, undefined values as nothing."""
    frame, sides = table.frame, []
    for side in (frame, table.low, table.high, table.marks):
        sides.append([None] * frame.shape[1] if side is None else [column for _, column in side.items()])
    columns, nothing = [], [""] * len(frame)
    for name, values, low, high, marks in zip(frame.columns, *sides, strict=True):
        signed = table.signed != "" and levels(name)[-1] == table.signed
        texts = []
        for column in (values, low, high):
            if column is None:
                texts.append(nothing)
            elif pd.api.types.is_integer_dtype(column) or pd.api.types.is_string_dtype(column):
                texts.append(["" if pd.isna(value) else str(value) for value in column.tolist()])
            else:
                texts.append([number(value, table.decimals, signed) for value in column.tolist()])
        signs = nothing if marks is None else marks.tolist()
        shown = [sign if value else "" for value, sign in zip(texts[0], signs, strict=True)]
        columns.append(_Column(name, texts[0], texts[1], texts[2], shown))
    return columns


def _spelled(
    texts: Sequence[Sequence[str]], rows: pd.Index, columns: pd.Index, spell: Callable[[str], str]
) -> pd.DataFrame:
    """Write names of rows and columns, and words among the values, so that a format only shows them."""
    # Numbers are left alone: a minus sign before one would be taken for the beginning of a formula.
    values = ([text if _is_number(text) else spell(text) for text in column] for column in texts)
    frame = pd.DataFrame(dict(enumerate(values)), index=range(len(rows)), dtype=object)
    for axis, labels in (("index", rows), ("columns", columns)):
        spelt = [[spell(str(name)) for name in labels.get_level_values(n)] for n in range(labels.nlevels)]
        names = [None if name is None else spell(str(name)) for name in labels.names]
        single = pd.Index(spelt[0], name=names[0])
        new = pd.MultiIndex.from_arrays(spelt, names=names) if labels.nlevels > 1 else single
        setattr(frame, axis, new)
    return frame


def _as_csv(frame: pd.DataFrame, columns: Sequence[_Column]) -> str:
    """Lay out columns as CSV; signs and ends of intervals are columns beside the values that have some."""
    names, texts = [], []
    for name, values, low, high, marks in columns:
        *outer, inner = name if isinstance(name, tuple) else (name,)
        for suffix, words in (("", values), (" marks", marks), (" low", low), (" high", high)):
            if not suffix or any(words):
                names.append((*outer, f"{inner}{suffix}") if outer else f"{inner}{suffix}")
                texts.append(words)
    return _spelled(texts, frame.index, pd.Index(names), for_csv).to_csv(lineterminator="\n")


def _as_latex(table: Values, text: pd.DataFrame) -> str:
    """Lay out text for LaTeX, the best two values of each column made to stand out."""
    # Values compete in rows that differ in nothing but the detector.
    others = [name for name in table.frame.index.names if name not in DETECTOR]
    contests = [list(range(len(text)))]
    if others and "detector" in table.frame.index.names:
        keys = table.frame.index.to_frame(index=False)[others]
        contests = [list(map(int, rows)) for rows in keys.groupby(others, sort=False).indices.values()]
    compared = table.signed != ""  # with other numbers, not with each other
    for rows, position in product([] if compared else contests, range(text.shape[1])):
        column, names = table.frame.iloc[:, position], levels(table.frame.columns[position])
        if not pd.api.types.is_float_dtype(column) or not NO_CONTEST.isdisjoint(names):
            continue
        printed = column.iloc[rows].map(lambda value: float(f"{value:.{table.decimals}f}"))  # equal as read
        if table.marks is not None:  # what was left out may be the hardest: such a value is not the best one
            printed = printed.where(~table.marks.iloc[rows, position].str.contains(PARTIAL))
        values = sorted(set(printed.dropna()), reverse=not is_lowest_best(names[-1]))
        # Of two values the second is the worst: only one stands out.
        for best, opening in zip(values[: len(values) - 1], (_BOLD, _UNDERLINE), strict=False):
            for row in (row for row, value in zip(rows, printed, strict=True) if value == best):
                text.iat[row, position] = opening + str(text.iat[row, position]) + _CLOSE
    # `multirow` is a LaTeX package of its own, and pandas uses it by default.
    alignment = "l" * text.index.nlevels + "r" * text.shape[1]
    body = text.to_latex(escape=True, column_format=alignment, multicolumn_format="c", multirow=False)
    # A line under each group of several columns of one name, as `booktabs` has it and pandas does not.
    rules, first = "", text.index.nlevels + 1
    for _, same in groupby(text.columns.get_level_values(0)) if text.columns.nlevels > 1 else ():
        last = first + len(list(same)) - 1
        rules += f"\\cmidrule(lr){{{first}-{last}}}" if last > first else ""
        first = last + 1
    if rules:
        lines = body.split("\n")
        lines.insert(lines.index("\\toprule") + 2, rules)  # below the outermost headings
        body = "\n".join(lines)
    for sign, command in _COMMANDS.items():
        body = body.replace(sign, command)
    return body


def as_markdown(columns: Sequence[tuple[str, Sequence[object]]]) -> str:
    """Lay out columns, each with its name, as a Markdown table, numbers to the right."""
    names, texts, sides = [], [], []
    for name, column in columns:
        text = [value if _is_number(value) else for_markdown(value) for value in map(str, column)]
        right = all(not value or _is_number(value) for value in text)
        names.append(for_markdown(name))
        sides.append("---:" if right else ":---")
        texts.append(text)
    return "".join(f"| {' | '.join(line)} |\n" for line in (names, sides, *zip(*texts, strict=True)))


def _is_number(value: str) -> bool:
    """Say whether a cell of the table is a number, with an interval and signs perhaps."""
    return _A_NUMBER.fullmatch(value) is not None
