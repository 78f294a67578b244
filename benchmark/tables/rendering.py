"""Tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Hashable, Iterator
from itertools import groupby, product
from typing import Any

import pandas as pd

from forenbench.errors import BenchError
from forenbench.printable import for_csv, for_markdown, printable

from .best import NO_CONTEST, is_lowest_best
from .cell_frame import DETECTOR
from .marks import ONE_LABEL, PARTIAL, SIGNS
from .printed import levels, number
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


def render(table: Values, style: str, width: int | None = None) -> str:
    """Lay out a table as text, CSV, Markdown or LaTeX; values with the table's own decimals.

    Title and notes stand around it, in LaTeX as comments; CSV has no room for them, and gives signs and the
    ends of intervals columns of their own. LaTeX needs `booktabs`; in each column with several detectors the
    highest value is bold and the second underlined, where higher is better and all images were scored.

    Args:
        table: What to lay out.
        style: One of `STYLES`, or "html".
        width: Columns of the terminal; text wider than that is split into blocks of whole column groups.

    Raises:
        BenchError: Another style.
    """
    if style not in (*STYLES, "html"):
        raise BenchError(f"format '{style}' is none of {', '.join(STYLES)}")
    if style == "csv":
        return _spelled(_for_csv(table), for_csv).to_csv(lineterminator="\n")
    frame = _as_text(table)
    if style == "latex":
        return _as_latex(table, _spelled(frame, printable))
    if style == "markdown":
        frame.columns = pd.Index([" ".join(filter(None, levels(column))) for column in frame.columns])
        title, notes = for_markdown(table.title), "".join(f"{for_markdown(note)}\n" for note in table.notes)
        return f"**{title}**\n\n{as_markdown(frame.reset_index())}\n{notes}"
    frame = _spelled(frame, printable)
    if style == "html":
        return _as_html(table, frame)
    blocks = "\n\n".join(block.to_string() for block in _blocks(frame, width))
    notes = "".join(f"{printable(note)}\n" for note in table.notes)
    return f"{printable(table.title)}\n\n{blocks}\n\n{notes}"


def _spelled(frame: pd.DataFrame, spell: Callable[[str], str]) -> pd.DataFrame:
    """Write names of rows and columns, and words among the values, so that a format only shows them."""
    spelled = frame.map(lambda text: text if _is_number(text) else spell(text))
    for axis in ("index", "columns"):
        labels = getattr(frame, axis)
        spelt = [[spell(str(name)) for name in labels.get_level_values(n)] for n in range(labels.nlevels)]
        names = [None if name is None else spell(str(name)) for name in labels.names]
        single = pd.Index(spelt[0], name=names[0])
        new = pd.MultiIndex.from_arrays(spelt, names=names) if labels.nlevels > 1 else single
        spelled = spelled.set_axis(new, axis=axis)
    return spelled


def _blocks(frame: pd.DataFrame, width: int | None) -> list[pd.DataFrame]:
    """Split a frame's columns so that each part fits, if it can, into a width."""
    if width is None:
        return [frame]
    blocks: list[list[int]] = [[]]
    for group in _groups(frame, list(range(frame.shape[1])), width):
        if blocks[-1] and _width(frame.iloc[:, [*blocks[-1], *group]]) > width:
            blocks.append([])
        blocks[-1] += group
    return [frame.iloc[:, block] for block in blocks]


def _groups(frame: pd.DataFrame, columns: list[int], width: int, level: int = 1) -> Iterator[list[int]]:
    """Yield columns that stay together: of one name at the outer level, or further in where that is wide."""
    for _, same in groupby(columns, key=lambda column: levels(frame.columns[column])[:level]):
        group = list(same)
        if level < frame.columns.nlevels and _width(frame.iloc[:, group]) > width:
            yield from _groups(frame, group, width, level + 1)
        else:
            yield group


def _width(frame: pd.DataFrame) -> int:
    """Count the characters of a frame's longest line."""
    return max(map(len, frame.to_string().splitlines()))


def _as_text(table: Values) -> pd.DataFrame:
    """Print values with their intervals and marks."""
    text = _printed(table, table.frame)
    if table.low is not None and table.high is not None:
        low, high = _printed(table, table.low), _printed(table, table.high)
        text = text.where(low == "", text + " [" + low + ", " + high + "]")
    return text if table.marks is None else text.where(text == "", text + table.marks)


def _as_latex(table: Values, text: pd.DataFrame) -> str:
    """Lay out text for LaTeX, the best two values of each column made to stand out."""
    for rows, position in product(_contests(table.frame), range(text.shape[1])):
        for best, opening in zip(_best_two(table, rows, position), (_BOLD, _UNDERLINE), strict=False):
            for row in best:
                text.iat[row, position] = opening + str(text.iat[row, position]) + _CLOSE
    alignment = "l" * text.index.nlevels + "r" * text.shape[1]
    body = text.to_latex(escape=True, column_format=alignment, multicolumn_format="c", multirow=False)
    body = _with_rules(body, text)
    for sign, command in _COMMANDS.items():
        body = body.replace(sign, command)
    return "".join(f"% {printable(line)}\n" for line in (table.title, *table.notes)) + body


def _as_html(table: Values, text: pd.DataFrame) -> str:
    """Lay out text for a notebook, title above and notes below; nothing of others is taken for markup."""
    title, *notes = (html.escape(printable(line)) for line in (table.title, *table.notes))
    below = "".join(f"<li>{note}</li>" for note in notes)
    return f"<p><strong>{title}</strong></p>\n{text.to_html(escape=True)}\n<ul>{below}</ul>\n"


def _with_rules(body: str, text: pd.DataFrame) -> str:
    """Rule a line under each group of several columns of one name, as `booktabs` has it."""
    if text.columns.nlevels < 2:
        return body
    rules, first = "", text.index.nlevels + 1
    for _, same in groupby(text.columns.get_level_values(0)):
        last = first + len(list(same)) - 1
        rules += f"\\cmidrule(lr){{{first}-{last}}}" if last > first else ""
        first = last + 1
    before, rule, after = body.partition("\\toprule\n")
    heading, end, rest = after.partition("\n")
    return f"{before}{rule}{heading}{end}{rules}{chr(10) if rules else ''}{rest}"


def _contests(frame: pd.DataFrame) -> list[list[int]]:
    """Return the rows that compete: those that differ in nothing but the detector."""
    others = [name for name in frame.index.names if name not in DETECTOR]
    if "detector" not in frame.index.names or not others:
        return [list(range(len(frame)))]
    keys = frame.index.to_frame(index=False)[others]
    return [list(map(int, rows)) for rows in keys.groupby(others, sort=False).indices.values()]


def _best_two(table: Values, rows: list[int], position: int) -> list[list[int]]:
    """Return those rows with a column's best and with its second value, if detectors compete in it."""
    column, names = table.frame.iloc[:, position], levels(table.frame.columns[position])
    compared = table.signed != ""  # with other numbers, not with each other
    if compared or not pd.api.types.is_float_dtype(column) or not NO_CONTEST.isdisjoint(names):
        return []
    printed = column.iloc[rows].map(lambda value: float(f"{value:.{table.decimals}f}"))  # equal as read
    if table.marks is not None:  # what was left out may be the hardest: such a value is not the best one
        printed = printed.where(~table.marks.iloc[rows, position].str.contains(PARTIAL))
    values = sorted(set(printed.dropna()), reverse=not is_lowest_best(names[-1]))
    shown = values[: min(2, len(values) - 1)]  # of two, the second is the worst
    return [[row for row, value in zip(rows, printed, strict=True) if value == best] for best in shown]


def _for_csv(table: Values) -> pd.DataFrame:
    """Print values, with columns for their signs and for the ends of their intervals where there are any."""
    text = _printed(table, table.frame)
    none = pd.DataFrame("", text.index, text.columns)
    signs = none if table.marks is None else table.marks.where(text != "", "")
    low, high = (none if frame is None else _printed(table, frame) for frame in (table.low, table.high))
    columns: dict[Hashable, pd.Series[Any]] = {}
    for name in text.columns:
        columns[name] = text[name]
        for suffix, beside in ((" marks", signs), (" low", low), (" high", high)):
            if (beside[name] != "").any():
                columns[_with_suffix(name, suffix)] = beside[name]
    return pd.DataFrame(columns)


def _printed(table: Values, frame: pd.DataFrame) -> pd.DataFrame:
    """Print values with the table's decimals, counts and words as they are, undefined values as nothing."""
    text = frame.copy().astype(object)
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        signed = table.signed != "" and levels(name)[-1] == table.signed
        plain = pd.api.types.is_integer_dtype(column) or pd.api.types.is_string_dtype(column)
        text.isetitem(position, [str(v) if plain else number(v, table.decimals, signed) for v in column])
    return text


def _with_suffix(name: Hashable, suffix: str) -> Hashable:
    """Lengthen a column's name at its last level."""
    return (*name[:-1], f"{name[-1]}{suffix}") if isinstance(name, tuple) else f"{name}{suffix}"


def as_markdown(text: pd.DataFrame) -> str:
    """Lay out a frame of strings as a Markdown table, numbers to the right."""
    rows = [
        [value if _is_number(value) else for_markdown(value) for value in map(str, row)]
        for row in text.itertuples(index=False)
    ]
    names = [for_markdown(str(name)) for name in text.columns]
    numeric = [all(not row[i] or _is_number(row[i]) for row in rows) for i in range(len(names))]
    lines = [names, ["---:" if right else ":---" for right in numeric], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_number(value: str) -> bool:
    """Say whether a cell of the table is a number, with an interval and signs perhaps."""
    return _A_NUMBER.fullmatch(value) is not None
