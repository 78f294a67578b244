"""Tables as notebooks show them: light or dark as these are, numbers in line, signs with their meaning."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import pandas as pd

from .cell_frame import labels_of
from .marks import SIGNS

_SHOWN = 3
"""Notes that stand open below a table; more of them are folded."""
_NUMBER = re.compile(rf"([+-]?[\d.]+(?:e?-\d+)?)( \[[^\]]*\])?([{SIGNS}]*)")
# Colours are the notebook's own, by the names that Jupyter and VS Code give them: it may be a dark one.
_STYLE = """<style>
.forenbench { font-size: 0.9em; max-width: 100%; }
.forenbench .scroll { overflow: auto; max-height: 32em; }
.forenbench table { border-collapse: separate; border-spacing: 0; margin: 0; color: inherit; }
.forenbench th, .forenbench td { padding: 0.25em 1.1em 0.25em 0.6em; text-align: right; white-space: nowrap;
  vertical-align: baseline; border: 0; border-bottom: 1px solid rgb(128 128 128 / 30%); background: none;
  font-variant-numeric: tabular-nums; color: inherit; }
.forenbench tbody th { text-align: left; font-weight: 500; vertical-align: top; }
.forenbench thead { position: sticky; top: 0;
  background: var(--jp-layout-color0, var(--vscode-editor-background, Canvas)); }
.forenbench thead th[colspan] { text-align: center; }
.forenbench thead tr + tr:last-child th { text-align: left; }
.forenbench .words { display: block; text-align: left; }
.forenbench small { opacity: 0.75; }
.forenbench abbr { display: inline-block; width: 0; cursor: help; text-decoration: none; font-weight: bold; }
.forenbench summary { cursor: pointer; }
</style>"""


def as_html(title: str, frame: pd.DataFrame, notes: Sequence[str]) -> str:
    """Set a table for a notebook.

    Args:
        title: One line.
        frame: Texts, with intervals and signs, rows and columns named; nothing is escaped yet.
        notes: What the numbers rest on; one that begins with a sign explains it.
    """
    meant = {note[0]: note[1:].strip() for note in notes if note[:1] and note[0] in SIGNS}
    cells = frame.map(lambda text: _cell(str(text), meant))
    cells.index, cells.columns = _escaped(frame.index), _escaped(frame.columns)
    table = cells.to_html(escape=False, border=0)
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    below = f"<ul>{listed}</ul>" if notes else ""
    if len(notes) > _SHOWN:
        below = f"<details><summary>{len(notes)} notes</summary>{below}</details>"
    heading = f"<p><strong>{html.escape(title)}</strong></p>"
    return f'{_STYLE}<div class="forenbench">{heading}\n<div class="scroll">{table}</div>\n{below}</div>\n'


def _cell(text: str, meant: dict[str, str]) -> str:
    """Set one cell: a number with its interval and signs, or words."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return f'<span class="words">{html.escape(text)}</span>' if text else ""
    value, interval, signs = found.groups()
    told = html.escape("; ".join(meant[sign] for sign in signs if sign in meant))
    marked = f'<abbr title="{told}">{signs}</abbr>' if signs else ""
    return value + (f"<small>{interval}</small>" if interval else "") + marked


def _escaped(index: pd.Index) -> pd.Index:
    names = [None if name is None else html.escape(str(name)) for name in index.names]
    levels = [
        [html.escape(str(label)) for label in index.get_level_values(at)] for at in range(index.nlevels)
    ]
    return labels_of(levels, names)
