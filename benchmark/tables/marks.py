"""Signs beside numbers, which the notes below a table explain: what a number rests on, if only in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from forenbench.records.coverage import MISSING

from . import contamination
from .cell_frame import TESTSET

SEEN, PARTIAL, ONE_LABEL = "*", "†", "‡"
"""Seen in training; not all images were scored; the test set has reals only, or fakes only."""
SIGNS = SEEN + PARTIAL + ONE_LABEL


def of_cell(line: Mapping[str, Any]) -> str:
    """Return the signs of one cell, from what `forenbench.tables.measure` knows of it."""
    holds = {
        SEEN: line["seen"],
        PARTIAL: line["ok"] < line["images"] and line["failed_as"] == MISSING,
        ONE_LABEL: not line["reals"] or not line["fakes"],
    }
    return "".join(sign for sign, so in holds.items() if so)


def together(several: Iterable[object]) -> str:
    """Return the signs of a number that rests on several cells: all of theirs; what is no text has none."""
    found = "".join(one for one in several if isinstance(one, str))
    return "".join(sign for sign in SIGNS if sign in found)


def of_rows(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Mark the numbers of a table's rows, counts aside, with the signs of all cells behind each row.

    Args:
        cells: As `forenbench.tables.measure` returns them; those behind the table.
        frame: A table whose index levels are columns of `cells`.
    """
    signs = cells.groupby(list(frame.index.names))["marks"].agg(together)
    rows = signs.reindex(frame.index).fillna("").to_numpy()
    amounts = frame.infer_objects().select_dtypes("float").columns
    return pd.DataFrame({name: rows if name in amounts else "" for name in frame}, index=frame.index)


def remarks(cells: pd.DataFrame) -> Iterator[str]:
    """Explain the signs, if there are any."""
    yield from contamination.remark(cells, SEEN)
    partial = cells[cells["marks"].str.contains(PARTIAL)]
    if len(partial):
        whose = ", ".join(dict.fromkeys(partial["detector"]))
        yield (
            f"{PARTIAL} not all images were scored, and those left out may be the hardest ones: {whose}. "
            "--failed-as wrong counts them as errors."
        )
    single = cells[cells["marks"].str.contains(ONE_LABEL)]
    if len(single):
        words = {name: "fakes" if fakes else "reals" for name, fakes in _places(single)}
        told = ", ".join(f"{place} ({label} only)" for place, label in words.items())
        yield (
            f"{ONE_LABEL} test sets of one label: {told}. Their accuracy is the rate of that label alone; "
            "they are in no mean."
        )


def _places(cells: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Yield each cell's test set with its number of fakes."""
    for dataset, testset, fakes in cells[[*TESTSET, "fakes"]].itertuples(index=False):
        yield f"{dataset}/{testset}", fakes
