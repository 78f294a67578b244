"""How much a score depends on which real images it is judged against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from . import marks
from .cell_frame import CELL, drop_single
from .marks import SEEN
from .notes import notes_on
from .table import Table

_SPREAD = "Spread"


def table(cells: pd.DataFrame) -> Table:
    """List every cell's AUROC and false positives against the reals of each source."""
    frame = _lay_out(cells)
    title = "AUROC and real images called fake (%), by source of the real images"
    notes = (*_gaps(cells), *notes_on(cells), *marks.remarks(cells))
    signs = _signs(cells, frame)
    return Table("real-sources", title, drop_single(frame), notes, marks=drop_single(signs))


def _lay_out(cells: pd.DataFrame) -> pd.DataFrame:
    """Cross every cell's fakes with each source of reals.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        A row a cell; columns are pairs (real source, metric): the number of its scored reals, AUROC of all
        the cell's fakes against these, and the share of these called fake at the author's threshold, in
        percent; then the spread of AUROC, largest less smallest, where there are several sources.
    """
    names = list(dict.fromkeys(name for sources in cells["sources"] for name in sources))
    rows = [dict(_row(sources, names)) for sources in cells["sources"]]
    columns = {column: [row[column] for row in rows] for column in rows[0]}
    frame = pd.DataFrame(columns, index=pd.MultiIndex.from_frame(cells[CELL]))
    frame.columns.names = ["real source", "metric"]
    for name in names:
        frame[name, "reals"] = frame[name, "reals"].astype("Int64")
    return frame


def _signs(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Mark every number with its cell's signs; what was seen in training, only where it was.

    Of a known generator that is all numbers, of known reals those against them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        frame: What `_lay_out` makes of them.
    """
    names = frame.columns.get_level_values("real source")
    rows = [
        [
            sign if not known or testset in known or name in (*known, _SPREAD) else sign.replace(SEEN, "")
            for name in names
        ]
        for testset, known, sign in cells[["testset", "known", "marks"]].itertuples(index=False)
    ]
    counts = frame.columns.get_level_values("metric") == "reals"
    return pd.DataFrame(np.where(counts, "", np.array(rows, object)), frame.index, frame.columns)


def widest(cells: pd.DataFrame) -> Iterator[str]:
    """Say how far apart a detector's AUROC is by real source alone, where there are several."""
    several = [cell for cell in cells.to_dict("records") if len(_areas(cell["sources"])) > 1]
    if several:
        cell = max(several, key=lambda cell: _spread(cell["sources"]))
        ends = sorted(_areas(cell["sources"]).items(), key=lambda end: end[1])
        told = (
            f"{100 * area:.1f} against {name} ({cell['sources'][name]['real']} reals)"
            for name, area in (ends[0], ends[-1])
        )
        yield (
            f"Which reals are used moves AUROC by up to {100 * _spread(cell['sources']):.1f} points "
            f"({cell['detector']} on {cell['testset']} ({cell['perturbation']}): {', '.join(told)}): "
            "'bench table real-sources'."
        )


def _gaps(cells: pd.DataFrame) -> Iterator[str]:
    """Say so where no fakes are judged against reals of several sources."""
    if all(len(sources) < 2 for sources in cells["sources"]):
        yield (
            "No test set has reals of several sources: nothing is crossed. A manifest's column real_source, "
            "or folders below 0_real, name them."
        )


def _row(sources: dict[str, Any], names: list[str]) -> Iterator[tuple[tuple[str, str], float | None]]:
    for name in names:
        source = sources.get(name, {"real": 0, "auroc": float("nan"), "real_acc": float("nan")})
        yield (name, "reals"), source["real"]
        yield (name, "AUROC"), 100 * source["auroc"]
        yield (name, "FPR"), 100 * (1 - source["real_acc"])
    yield (_SPREAD, "AUROC"), 100 * _spread(sources)


def _spread(sources: dict[str, Any]) -> float:
    """Subtract the smallest AUROC from the largest, if there are two."""
    areas = _areas(sources).values()
    return max(areas) - min(areas) if len(areas) > 1 else float("nan")


def _areas(sources: dict[str, Any]) -> dict[str, float]:
    """Return the defined AUROCs."""
    return {name: one["auroc"] for name, one in sources.items() if one["auroc"] == one["auroc"]}
