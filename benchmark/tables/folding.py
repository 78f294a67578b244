"""Tables that are wider than a terminal: blocks of columns, one below the other, and nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pandas as pd

from .printed import levels


def fold(frame: pd.DataFrame, width: int) -> str:
    """Set a frame of texts in lines of at most `width` characters, as far as that can be had.

    Columns of one name at the outer level stay together where they fit. Where names of rows leave no room for
    any, the outermost of them become headings, each above a table of its own.
    """
    # `to_string(line_width=…)` breaks lines, too, but between the columns of one generator.
    blocks: list[list[int]] = [[]]
    for group in _groups(frame, list(range(frame.shape[1])), width):
        if blocks[-1] and _width(frame.iloc[:, [*blocks[-1], *group]]) > width:
            blocks.append([])
        blocks[-1] += group
    is_narrow = all(_width(frame.iloc[:, block]) <= width for block in blocks)
    if is_narrow or frame.index.nlevels == 1:
        return "\n\n".join(_set(frame.iloc[:, block]) for block in blocks)
    outer = frame.index.get_level_values(0)
    parts = []
    for name, places in groupby(range(len(frame)), key=lambda place: outer[place]):
        part = frame.iloc[list(places)].droplevel(0)
        parts.append(f"{frame.index.names[0]} {name}\n\n{fold(part, width)}")
    return "\n\n".join(parts)


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
    return max(map(len, _set(frame).splitlines()))


def _set(frame: pd.DataFrame) -> str:
    """Set a frame; blanks at the end of a line would make a second line of it on a terminal."""
    return "\n".join(line.rstrip() for line in frame.to_string().splitlines())
