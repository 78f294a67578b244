"""AUROC of every detector on every test set as a table in colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from forenbench.tables import marks, means
from forenbench.tables.cell_frame import DETECTOR
from forenbench.tables.table import Table

from .grid import Grid, GridCell, lay_out

_TITLE = "AUROC (%) by generator"
_WORDS = (
    "White is chance (50), blue is better than chance, red is worse: such a detector takes fakes for reals."
)


def heat_map(cells: pd.DataFrame, perturbation: str) -> Grid:
    """Lay out detectors by test sets in colours, the last column their mean over those with both labels.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        perturbation: The one that is shown.
    """
    shown = cells[cells["perturbation"] == perturbation]
    places = shown["testset"]
    if shown["dataset"].nunique() > 1:
        places = shown["dataset"] + "/" + shown["testset"]
    names = shown[DETECTOR].drop_duplicates()
    rows, columns = pd.MultiIndex.from_frame(names), list(dict.fromkeys(places))
    auroc, signs = (
        shown.assign(place=places)
        .pivot(index=DETECTOR, columns="place", values=value)
        .reindex(index=rows, columns=columns)
        for value in ("auroc", "marks")
    )
    auroc *= 100
    auroc["Mean"], signs["Mean"] = means.macro(shown, DETECTOR, "auroc"), means.signs(shown, DETECTOR)
    auroc.columns.name = None
    notes = (
        _WORDS,
        f"Perturbation: {perturbation}.",
        *_lacking(cells, shown, perturbation),
        *marks.remarks(shown),
    )
    grid = lay_out(Table("heat", _TITLE, auroc, notes, marks=signs.fillna("")))
    return replace(grid, rows=[[_shaded(entry) for entry in row] for row in grid.rows])


def _lacking(cells: pd.DataFrame, shown: pd.DataFrame, perturbation: str) -> Iterator[str]:
    """Name the detectors and data sets that were not run under a perturbation."""
    for name in ("detector", "dataset"):
        lacking = [one for one in dict.fromkeys(cells[name]) if one not in set(shown[name])]
        if lacking:
            yield f"In the tables only, for no cell is of {perturbation}: {name} {', '.join(lacking)}."


def _shaded(entry: GridCell) -> GridCell:
    """Colour a number; pale enough to be read on."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if not entry.value:
        return entry
    return replace(entry, shade=to_hex(colormaps["RdBu"](0.2 + 0.6 * float(entry.value) / 100)))
