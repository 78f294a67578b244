"""AUROC of every detector on every test set as a table in colours."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from forenbench import contamination
from forenbench.tables import Table

from .grid import Entry, Grid, lay_out

_TITLE = "AUROC (%) by generator"
_WORDS = (
    "White is chance (50), blue is better than chance, red is worse: such a detector takes fakes for reals."
)


def heat_map(cells: pd.DataFrame, perturbation: str) -> Grid:
    """Lay out detectors by test sets in colours, the last column their mean.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        perturbation: The one that is shown.
    """
    shown = cells[cells["perturbation"] == perturbation]
    places = shown["testset"]
    if shown["dataset"].nunique() > 1:
        places = shown["dataset"] + "/" + shown["testset"]
    names = shown[["detector", "weights"]].drop_duplicates()
    wide = shown.assign(place=places).pivot(index=["detector", "weights"], columns="place", values="auroc")
    wide = wide.reindex(pd.MultiIndex.from_frame(names), columns=list(dict.fromkeys(places))) * 100
    wide["Mean"] = wide.mean(axis=1, skipna=False)
    wide.columns.name = None
    seen = shown.assign(place=places).pivot(index=wide.index.names, columns="place", values="seen")
    seen = seen.reindex(index=wide.index, columns=wide.columns).eq(True)
    seen["Mean"] = seen.any(axis=1)
    notes = (_WORDS, f"Perturbation: {perturbation}.", *contamination.remark(shown))
    grid = lay_out(Table("heat", _TITLE, wide, notes, marked=seen))
    return replace(grid, rows=[[_shaded(entry) for entry in row] for row in grid.rows])


def _shaded(entry: Entry) -> Entry:
    """Colour a number; pale enough to be read on."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if not entry.value:
        return entry
    return replace(entry, shade=to_hex(colormaps["RdBu"](0.2 + 0.6 * float(entry.value) / 100)))
