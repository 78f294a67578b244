"""How much a score depends on which real images it is judged against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

_ROW = ["perturbation", "detector", "weights", "dataset", "testset"]
_SPREAD = "Spread"


def lay_out(cells: pd.DataFrame) -> pd.DataFrame:
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
    frame = pd.DataFrame(columns, index=pd.MultiIndex.from_frame(cells[_ROW]))
    frame.columns.names = ["real source", "metric"]
    for name in names:
        frame[name, "reals"] = frame[name, "reals"].astype("Int64")
    return frame


def marks(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Mark what a detector has seen: of a known generator all numbers, of known reals those against them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        frame: What `lay_out` makes of them.
    """
    names = frame.columns.get_level_values("real source")
    rows = [
        [bool(known) and (testset in known or name in (*known, _SPREAD)) for name in names]
        for testset, known in zip(cells["testset"], cells["known"], strict=True)
    ]
    counts = frame.columns.get_level_values("metric") == "reals"
    return pd.DataFrame(np.array(rows) & ~counts, frame.index, frame.columns)


def widest(cells: pd.DataFrame) -> Iterator[str]:
    """Say how far apart a detector's AUROC is by real source alone, where there are several."""
    spreads = [
        (max(values) - min(values), f"{cell['detector']} on {cell['testset']} ({cell['perturbation']})")
        for cell in cells[["detector", "testset", "perturbation", "sources"]].to_dict("records")
        if len(values := _areas(cell["sources"])) > 1
    ]
    if spreads:
        spread, where = max(spreads)
        yield (
            f"Which reals are used moves AUROC by up to {100 * spread:.1f} points ({where}): "
            "'bench table real-sources'."
        )


def _row(sources: dict[str, Any], names: list[str]) -> Iterator[tuple[tuple[str, str], float | None]]:
    for name in names:
        source = sources.get(name, {"real": 0, "auroc": float("nan"), "real_acc": float("nan")})
        yield (name, "reals"), source["real"]
        yield (name, "AUROC"), 100 * source["auroc"]
        yield (name, "FPR"), 100 * (1 - source["real_acc"])
    areas = _areas(sources)
    yield (_SPREAD, "AUROC"), 100 * (max(areas) - min(areas)) if len(areas) > 1 else float("nan")


def _areas(sources: dict[str, Any]) -> list[float]:
    """Return the defined AUROCs."""
    return [source["auroc"] for source in sources.values() if source["auroc"] == source["auroc"]]
