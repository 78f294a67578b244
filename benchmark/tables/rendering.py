"""Tables as text, CSV, Markdown, LaTeX, JSON and, for notebooks, HTML."""

from __future__ import annotations

import pandas as pd

from forenbench.errors import BenchError
from forenbench.printable import STYLES as STYLES
from forenbench.printable import check_style, for_csv, for_markdown, printable, wrapped

from .folding import fold
from .latex import Setting, as_latex
from .notebook import as_html
from .readable import for_readers
from .texts import as_markdown, in_words, spelled
from .tidy import as_json, as_tidy
from .values import Values


def render(table: Values, style: str, width: int | None = None, setting: Setting | None = None) -> str:
    """Lay out a table in one of the formats; values with the table's own decimals, as its look asks.

    Title and notes stand around it, in LaTeX as comments; CSV has no room for them, and gives signs and the
    ends of intervals columns of their own. "tidy" (CSV) and "json" have one number a line, in full precision.

    Args:
        table: What to lay out.
        style: One of `STYLES`, or "html".
        width: Columns of the terminal, for text (see `fold` and `for_readers`).
        setting: For LaTeX.

    Raises:
        BenchError: Another style, or one that cannot do what is asked.
    """
    if style != "html":
        check_style(style)
    if setting is not None and style != "latex":
        raise BenchError(f"caption, label, wide and fit are for format 'latex', not '{style}'")
    if style in _WHOLE:
        return _WHOLE[style](table)
    if style == "latex":
        return as_latex(table, setting or Setting())
    return _with_words(table, style, width)


def _with_words(table: Values, style: str, width: int | None) -> str:
    """Lay a table out with title and notes around it, as text, Markdown or HTML."""
    shared: list[tuple[str, str]] = []
    if style == "text" and width is not None:
        table, shared = for_readers(table)  # a terminal has no room for what says nothing
    # Titles and notes, too, name what users and packages have named: detectors, test sets, files.
    spell = for_markdown if style == "markdown" else printable
    title, *notes = (spell(line) for line in (table.title, *table.notes))
    below = "".join(f"{note}\n" for note in notes)
    # Interval and signs stand in the value's own cell, so that copying the one copies the other.
    words = in_words(table)
    made = spelled(words.together, words.rows, words.heads, table, printable)
    if style == "markdown":
        heads = (
            " ".join(filter(None, names)) for names in zip(*(one.texts for one in made.heads), strict=True)
        )
        named = [
            *((level.name or "", level.texts) for level in made.rows),
            *zip(heads, made.columns, strict=True),
        ]
        return f"**{title}**\n\n{as_markdown(named)}\n{below}"
    frame = made.frame
    if style == "html":
        return as_html(title, frame, notes)
    if width is None:
        return f"{title}\n\n{frame.to_string()}\n\n{below}"
    everywhere = "; ".join(f"{name} {value}" for name, value in shared)
    above = printable(f"{title}. In all rows: {everywhere}." if everywhere else title)
    below = "".join(f"{wrapped(note, width)}\n" for note in notes)
    return f"{wrapped(above, width)}\n\n{fold(frame, width)}\n\n{below}"


def _as_csv(table: Values) -> str:
    """Lay a table out as CSV; signs and ends of intervals are columns beside the values that have some."""
    words, names, texts = in_words(table), [], []
    sides = {"": words.values, " marks": words.marks, " low": words.low, " high": words.high}
    for at, name in enumerate(words.heads):
        outer, inner = (name[:-1], name[-1]) if isinstance(name, tuple) else ((), name)
        for suffix, side in sides.items():
            if not suffix or any(side[at]):
                inner_name = f"{table.look.rename.get(str(inner), inner)}{suffix}"
                names.append((*outer, inner_name) if outer else inner_name)
                texts.append(side[at])
    made = spelled(texts, words.rows, pd.Index(names), table, for_csv)
    return made.frame.to_csv(lineterminator="\n")


_WHOLE = {"csv": _as_csv, "tidy": as_tidy, "json": as_json}
"""Formats that say everything in their own way."""
