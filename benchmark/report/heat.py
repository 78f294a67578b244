"""AUROC of every detector on every test set as a table in colours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from forenbench.tables import marks, means
from forenbench.tables.cell_frame import DETECTOR, MEAN, TESTSET, as_dicts, framed, in_order, key, several
from forenbench.tables.table import Table

from .grid import Grid, lay_out

if TYPE_CHECKING:
    import pandas as pd

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
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    grid = lay_out(heat_table(cells, perturbation))
    # The middle 60 % of the colour map: its ends are too dark for black numbers to be read on.
    shades = colormaps["RdBu"]
    return replace(
        grid,
        rows=[
            [
                replace(entry, shade=to_hex(shades(0.2 + 0.6 * float(entry.value) / 100)))
                if entry.value
                else entry
                for entry in row
            ]
            for row in grid.rows
        ],
    )


def heat_table(cells: pd.DataFrame, perturbation: str) -> Table:
    """Lay out what `heat_map` colours."""
    shown = cells[cells["perturbation"] == perturbation]
    testset, detectors = several(shown, TESTSET), in_order(shown, DETECTOR)
    found = {key(cell, (*DETECTOR, *testset)): means.entry(cell, "auroc") for cell in as_dicts(shown)}
    average = means.macro(shown, DETECTOR, "auroc")
    columns = {
        "/".join(where): [found.get((*detector, *where), means.NO_MEAN) for detector in detectors]
        for where in in_order(shown, testset)
    }
    columns[MEAN[-1]] = [average.get(detector, means.NO_MEAN) for detector in detectors]
    values, _, _, marked = framed(columns, detectors, DETECTOR)
    # Else a detector that was run under jpeg alone would seem not to be in the run.
    lacking = []
    for name in ("detector", "dataset"):
        here = set(shown[name])
        if gone := [one for one in dict.fromkeys(cells[name]) if one not in here]:
            lacking.append(f"In the tables only, for no cell is of {perturbation}: {name} {', '.join(gone)}.")
    notes = (_WORDS, f"Perturbation: {perturbation}.", *lacking, *marks.remarks(shown))
    return Table("heat", _TITLE, values, notes, marks=marked)
