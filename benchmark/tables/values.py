"""What a finished table says, as every output format takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is shown in every format; its numbers and names stay what they are.

    Attributes:
        rename: What labels, and words among the values, are shown as, by their true names.
        transposed: Rows and columns change places.
        intervals: 95 % intervals stand beside the values; None: where the table has room for them.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    transposed: bool = False
    intervals: bool | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """What a finished table says.

    Attributes:
        name: As in ``bench table NAME``.
        title: One line for a reader.
        frame: Values in percent; NaN where a value is undefined or was not measured.
        notes: What the numbers rest on: coverage, undefined values, images, checkpoints.
        decimals: How many are printed.
        signed: Columns with this name at their last level are differences, printed with their sign.
        low: Lower ends of the values' 95 % intervals, a frame with the same labels; NaN where there is none.
        high: The upper ends.
        marks: The signs of each value (see `forenbench.tables.marks`), a frame of texts with the same labels.
        crowded: There is no room for intervals beside values: they are shown where somebody asks for them.
        look: How it is shown.
        cells: What it was made of, as `forenbench.tables.measure` returns it; None where that is not known.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: tuple[str, ...]
    decimals: int = 1
    signed: str = ""
    low: pd.DataFrame | None = None
    high: pd.DataFrame | None = None
    marks: pd.DataFrame | None = None
    crowded: bool = False
    look: Look = Look()
    cells: pd.DataFrame | None = None

    @property
    def shows_intervals(self) -> bool:
        """Whether intervals stand beside values, where there are some."""
        return not self.crowded if self.look.intervals is None else self.look.intervals

    def __post_init__(self) -> None:
        """Put what stands beside the values into their order of rows and columns; what lacks is blank."""
        # Every format reads the frames side by side, by position: a sign must not end up at another value.
        for name in ("low", "high", "marks"):
            frame, beside = self.frame, getattr(self, name)
            if beside is None or (beside.index.equals(frame.index) and beside.columns.equals(frame.columns)):
                continue
            blank = "" if name == "marks" else float("nan")
            ordered = beside.reindex(index=frame.index, columns=frame.columns, fill_value=blank)
            object.__setattr__(self, name, ordered)
