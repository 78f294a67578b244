"""Tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import pandas as pd

from .tables import Table

STYLES = ("text", "csv", "markdown", "latex")


def render(table: Table, style: str) -> str:
    """Lay out a table as text, CSV, Markdown or LaTeX; values with one decimal, as the papers print them."""
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
    return f"{table.title}\n\n{frame.to_string()}\n\n{notes}"


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
