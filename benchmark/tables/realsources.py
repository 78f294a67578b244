"""How much a score depends on which real images it is judged against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from . import marks
from .cell_frame import CELL, as_dicts, framed, key, several
from .marks import SEEN
from .notes import notes_on
from .table import Table

_SPREAD = "Spread"
_NO_REALS = {"real": 0, "auroc": float("nan"), "real_acc": float("nan")}
_FEW = (
    "No test set has reals of several sources: nothing is crossed. A manifest's column real_source, or "
    "folders below 0_real, name them."
)


def table(cells: pd.DataFrame) -> Table:
    """Cross every cell's fakes with each source of reals.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        A row a cell; columns are pairs (real source, metric): the number of its scored reals, AUROC of all
        the cell's fakes against these, and the share of these called fake at the author's threshold, in
        percent; then the spread of AUROC, largest less smallest, where there are several sources.
    """
    sources = list(dict.fromkeys(name for some in cells["sources"] for name in some))
    columns: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for cell in as_dicts(cells, ["testset", "sources", "known", "marks"]):
        for name in (*sources, _SPREAD):
            numbers = {"AUROC": 100 * _spread(cell["sources"])}
            if name != _SPREAD:
                one = cell["sources"].get(name, _NO_REALS)
                numbers = {
                    "reals": one["real"],
                    "AUROC": 100 * one["auroc"],
                    "FPR": 100 * (1 - one["real_acc"]),
                }
            # If the generator was seen in training, all numbers rest on it; if one source of reals was, only
            # those against it do, and the spread, which may come from it.
            seen = cell["testset"] in cell["known"] or name in (*cell["known"], _SPREAD)
            signs = cell["marks"] if seen else cell["marks"].replace(SEEN, "")
            for metric, number in numbers.items():
                entry = number, "" if metric == "reals" else signs
                columns.setdefault((name, metric), []).append(entry)
    names = several(cells, CELL)
    rows = [key(cell, names) for cell in as_dicts(cells, names)]
    frame, marked = framed(columns, rows, names, "real source", "metric")
    few = [_FEW] if all(len(some) < 2 for some in cells["sources"]) else []
    title = "AUROC and real images called fake (%), by source of the real images"
    notes = (*few, *notes_on(cells), *marks.remarks(cells))
    return Table("real-sources", title, frame, notes, marks=marked)


def widest(cells: pd.DataFrame) -> Iterator[str]:
    """Say how far apart a detector's AUROC is by real source alone, where there are several."""
    columns = ["detector", "testset", "perturbation", "sources"]
    # With one source, or one of which the area is defined, nothing moves.
    crossed = [cell for cell in as_dicts(cells, columns) if len(_areas(cell["sources"])) > 1]
    if crossed:
        cell = max(crossed, key=lambda cell: _spread(cell["sources"]))
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


def _spread(sources: Mapping[str, Any]) -> float:
    """Subtract the smallest AUROC from the largest, if there are two."""
    areas = _areas(sources).values()
    return max(areas) - min(areas) if len(areas) > 1 else float("nan")


def _areas(sources: Mapping[str, Any]) -> dict[str, float]:
    """Return the defined AUROCs."""
    return {name: one["auroc"] for name, one in sources.items() if one["auroc"] == one["auroc"]}
