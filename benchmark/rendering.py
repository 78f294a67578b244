"""Tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import pandas as pd

from .tables import Table
from .types import BenchError

STYLES = ("text", "csv", "markdown", "latex")


def render(table: Table, style: str, width: int | None = None) -> str:
    """Lay out a table as text, CSV, Markdown or LaTeX; values with one decimal, as the papers print them.

    Args:
        table: What to lay out.
        style: One of `STYLES`.
        width: Columns of the terminal; text wider than that is split into blocks of whole generators.

    Raises:
        BenchError: Another style.
    """
    if style not in STYLES:
        raise BenchError(f"format '{style}' is none of {', '.join(STYLES)}")
    frame = _as_text(table.frame)
    if style == "csv":
        return frame.to_csv(lineterminator="\n")
    if style == "latex":
        return frame.to_latex(escape=True)
    notes = "".join(f"{note}\n" for note in table.notes)
    if style == "markdown":
        flat = frame.copy()
        flat.columns = pd.Index([" ".join(filter(None, _levels(column))) for column in frame.columns])
        return f"**{table.title}**\n\n{as_markdown(flat.reset_index())}\n{notes}"
    blocks = "\n\n".join(block.to_string() for block in _blocks(frame, width))
    return f"{table.title}\n\n{blocks}\n\n{notes}"


def _blocks(frame: pd.DataFrame, width: int | None) -> list[pd.DataFrame]:
    """Split a frame by its outer column levels so that each part fits, if it can, into a width."""
    groups = list(dict.fromkeys(_levels(column)[:-1] for column in frame.columns))
    if width is None or len(groups) < 2:
        return [frame]
    blocks: list[pd.DataFrame] = []
    chosen: list[tuple[str, ...]] = []
    for group in groups:
        if chosen and _width(_columns(frame, [*chosen, group])) > width:
            blocks.append(_columns(frame, chosen))
            chosen = []
        chosen.append(group)
    return [*blocks, _columns(frame, chosen)]


def _columns(frame: pd.DataFrame, groups: list[tuple[str, ...]]) -> pd.DataFrame:
    """Take the columns whose outer levels are among these."""
    return frame.loc[:, [_levels(column)[:-1] in groups for column in frame.columns]]


def _width(frame: pd.DataFrame) -> int:
    """Count the characters of a frame's longest line."""
    return max(map(len, frame.to_string().splitlines()))


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Print percentages with one decimal, counts as they are, undefined values as nothing."""
    text = frame.copy().astype(object)
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        whole = pd.api.types.is_integer_dtype(column)
        text.isetitem(position, [str(v) if whole else f"{v:.1f}" if pd.notna(v) else "" for v in column])
    return text


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
    return value.replace(".", "", 1).replace("-", "", 1).isdigit()
