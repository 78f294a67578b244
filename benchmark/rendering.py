"""Tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pandas as pd

from .tables import Table
from .types import BenchError

STYLES = ("text", "csv", "markdown", "latex")


def render(table: Table, style: str, width: int | None = None) -> str:
    """Lay out a table as text, CSV, Markdown or LaTeX; values with the table's own decimals.

    Title and notes stand around it, in LaTeX as comments; CSV has no room for them. LaTeX needs `booktabs`.

    Args:
        table: What to lay out.
        style: One of `STYLES`.
        width: Columns of the terminal; text wider than that is split into blocks of whole column groups.

    Raises:
        BenchError: Another style.
    """
    if style not in STYLES:
        raise BenchError(f"format '{style}' is none of {', '.join(STYLES)}")
    frame = _as_text(table)
    if style == "csv":
        return frame.to_csv(lineterminator="\n")
    if style == "latex":
        alignment = "l" * frame.index.nlevels + "r" * frame.shape[1]
        body = frame.to_latex(escape=True, column_format=alignment, multicolumn_format="c", multirow=False)
        return "".join(f"% {line}\n" for line in (table.title, *table.notes)) + body
    notes = "".join(f"{note}\n" for note in table.notes)
    if style == "markdown":
        flat = frame.copy()
        flat.columns = pd.Index([" ".join(filter(None, _levels(column))) for column in frame.columns])
        return f"**{table.title}**\n\n{as_markdown(flat.reset_index())}\n{notes}"
    blocks = "\n\n".join(block.to_string() for block in _blocks(frame, width))
    return f"{table.title}\n\n{blocks}\n\n{notes}"


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
    for _, same in groupby(columns, key=lambda column: _levels(frame.columns[column])[:level]):
        group = list(same)
        if level < frame.columns.nlevels and _width(frame.iloc[:, group]) > width:
            yield from _groups(frame, group, width, level + 1)
        else:
            yield group


def _width(frame: pd.DataFrame) -> int:
    """Count the characters of a frame's longest line."""
    return max(map(len, frame.to_string().splitlines()))


def _as_text(table: Table) -> pd.DataFrame:
    """Print values with the table's decimals, counts as they are, undefined values as nothing."""
    text = table.frame.copy().astype(object)
    for position, name in enumerate(table.frame.columns):
        column = table.frame.iloc[:, position]
        signed = table.signed != "" and _levels(name)[-1] == table.signed
        whole = pd.api.types.is_integer_dtype(column)
        text.isetitem(position, [str(v) if whole else _number(v, table.decimals, signed) for v in column])
    return text


def _number(value: float, decimals: int, signed: bool) -> str:
    """Print one number; a difference that vanishes has no sign."""
    if pd.isna(value):
        return ""
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    return text if float(text) else f"{0:.{decimals}f}"


def _levels(column: object) -> tuple[str, ...]:
    """Return a column's name as its levels."""
    return tuple(map(str, column)) if isinstance(column, tuple) else (str(column),)


def as_markdown(text: pd.DataFrame) -> str:
    """Lay out a frame of strings as a Markdown table, numbers to the right."""
    rows = [[str(value).replace("|", "\\|") for value in row] for row in text.itertuples(index=False)]
    names = [str(name) for name in text.columns]
    numeric = [all(not row[i] or _is_number(row[i]) for row in rows) for i in range(len(names))]
    lines = [names, ["---:" if right else ":---" for right in numeric], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_number(value: str) -> bool:
    """Say whether a cell of the table is a number."""
    return value.removeprefix("-").removeprefix("+").replace(".", "", 1).isdigit()
