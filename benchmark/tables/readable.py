"""A table as readers want it: what names a row in front, what all rows share said once, counts at the end."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import pandas as pd

from .cell_frame import CONTEST, DETECTOR, labels_of
from .values import Values

V = TypeVar("V", bound=Values)
Name: TypeAlias = tuple[Hashable, pd.Index]
"""What names rows: of a level, its name and its value in each row."""

RANKS = ("rank", "ranks")
_OUTER, _INNER = CONTEST, DETECTOR[1:]
"""What names a row beside its detector, where it stands among the values."""
_ENOUGH = 2
"""Rows, for something to repeat itself."""


def for_readers(table: V, keep: str = "") -> tuple[V, list[tuple[str, str]]]:
    """Rearrange a table; no value is lost, but ranks of a detector that has no rival.

    Args:
        table: Any table.
        keep: The name of rows that stays though all rows share it.

    Returns:
        The table, and what all of its rows share, as (name, text).
    """
    frame, columns = table.frame, table.frame.columns
    rows: list[Name] = [(name, frame.index.get_level_values(at)) for at, name in enumerate(frame.index.names)]
    places = list(range(frame.shape[1]))
    shared: list[tuple[str, str]] = []
    # Below outer headings a column's name says too little to stand elsewhere.
    if columns.nlevels == 1:
        if "detector" in frame.index.names:  # what else names its cells stands in front, too
            given = [name for name in (*_OUTER, *_INNER) if name in columns and name not in frame.index.names]
            outer = [(name, pd.Index(frame[name])) for name in _OUTER if name in given]
            inner = [(name, pd.Index(frame[name])) for name in _INNER if name in given]
            rows = [*outer, *rows, *inner]
            places = [at for at in places if columns[at] not in given]
        detectors = set(zip(*(values for name, values in rows if name in DETECTOR), strict=True))
        if len(detectors) == 1:  # without a rival, it is the first of one
            places = [at for at in places if columns[at] not in RANKS]
        once: dict[int, str] = {}  # words and counts, with their signs, that all rows share
        for at in places:
            column = frame.iloc[:, at]
            signs = [""] * len(column) if table.marks is None else table.marks.iloc[:, at].tolist()
            texts = [f"{value}{sign}" for value, sign in zip(column.tolist(), signs, strict=True)]
            is_number = pd.api.types.is_float_dtype(column) or column.isna().any()
            if _is_shared(texts) and not is_number:
                once[at] = texts[0]
        if len(once) < len(places):  # a table of names alone would show nothing
            shared = [(str(columns[at]), text) for at, text in once.items()]
            places = [at for at in places if at not in once]
        counts = [at for at in places if pd.api.types.is_integer_dtype(frame.dtypes.iloc[at])]
        counts = [at for at in counts if columns[at] not in RANKS]
        places = [at for at in places if at not in counts] + counts
    same = [at for at, (name, values) in enumerate(rows) if name != keep and _is_shared(values)]
    same = same[: len(rows) - 1]  # something has to name them
    shared = [(str(rows[at][0]), str(rows[at][1][0])) for at in same] + shared
    left = [row for at, row in enumerate(rows) if at not in same]
    named = labels_of([values for _, values in left], [name for name, _ in left])
    sides = {name: getattr(table, name) for name in ("frame", "low", "high", "marks")}
    new: dict[str, Any] = {
        name: None if side is None else side.iloc[:, places].set_axis(named) for name, side in sides.items()
    }
    return replace(table, **new), [(name, text) for name, text in shared if text]


def _is_shared(values: pd.Index | list[str]) -> bool:
    return len(values) >= _ENOUGH and len(set(values)) == 1
