"""Tampered images in tables: a column of their own, where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING, Any

from forenbench.metrics.terms import TAMPERED

from .marks import SEEN
from .table import Table

if TYPE_CHECKING:
    import pandas as pd

HEADING = TAMPERED.name


def beside(made: Table, cells: pd.DataFrame) -> Table:
    """Put the share of tampered images that is called fake beside a table's columns, with its interval.

    Args:
        made: With a row a cell.
        cells: As `forenbench.tables.measure` returns them.
    """
    if cells["tampered_acc"].isna().all():
        return made
    assert made.low is not None
    assert made.high is not None
    assert made.marks is not None
    # what was not scored of reals and fakes, and that one of them is lacking, is no fault of this number
    signs = [SEEN * (SEEN in marks) for marks in cells["marks"]]
    frame, low, high = (
        there.assign(**{HEADING: 100 * cells[f"tampered_acc{end}"].to_numpy(float)})
        for there, end in ((made.frame, ""), (made.low, "_low"), (made.high, "_high"))
    )
    return replace(made, frame=frame, low=low, high=high, marks=made.marks.assign(**{HEADING: signs}))


def of_tampered(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Keep the cells with tampered images, as means and their intervals ask for them."""
    # an interval of a mean asks how many images of both labels, or origins, it is known from
    return [
        {
            **cell,
            "real": 0,
            "fake": cell["tampered_ok"],
            "origins": cell["origins"] and min(cell["origins"], cell["tampered_ok"]),
        }
        for cell in cells
        if not isnan(cell["tampered_acc"])
    ]
