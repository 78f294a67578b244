"""Which values of a column are the best ones."""

from __future__ import annotations

from itertools import product

import pandas as pd

from forenbench.metrics.metric_values import is_lower_better

from .cell_frame import DETECTOR
from .marks import PARTIAL
from .printed import levels
from .values import Values

BEST, SECOND = "best", "second"
_NO_CONTEST = {"reals", "Spread", "Std. dev.", "std_dev"}
_DEVIATION = ", std. dev."
"""Ends the names of columns that no detector is better in: one at chance everywhere has no deviation."""
_ERRORS = {"FPR"}
"""Rates of errors that are no metrics of a cell: `realsources` has them for each source."""


def is_lowest_best(heading: str) -> bool:
    """Say whether a column's lowest value is the best one."""
    return heading in _ERRORS or is_lower_better(heading)


def outstanding(table: Values) -> pd.DataFrame:
    """Say which values are the best of their column, and which the second: texts with the frame's labels.

    Values compete in rows that differ in nothing but the detector; differences do not, nor does a value of
    which not all images were scored.
    """
    frame = table.frame
    found = pd.DataFrame("", frame.index, frame.columns)
    if table.signed != "":  # compared with other numbers, not with each other
        return found
    others = [name for name in frame.index.names if name not in DETECTOR]
    contests = [list(range(len(frame)))]
    if others and "detector" in frame.index.names:
        keys = frame.index.to_frame(index=False)[others]
        contests = [list(map(int, rows)) for rows in keys.groupby(others, sort=False).indices.values()]
    inner = frame.columns.names.index("metric") if "metric" in frame.columns.names else -1
    for rows, position in product(contests, range(frame.shape[1])):
        column, names = frame.iloc[:, position], levels(frame.columns[position])
        apart = not _NO_CONTEST.isdisjoint(names) or names[-1].endswith(_DEVIATION)
        if apart or not pd.api.types.is_float_dtype(column):
            continue
        printed = column.iloc[rows].map(lambda value: float(f"{value:.{table.decimals}f}"))  # equal as read
        if table.marks is not None:  # what was left out may be the hardest: such a value is not the best one
            printed = printed.where(~table.marks.iloc[rows, position].str.contains(PARTIAL))
        about, _, _ = names[inner].rpartition(", ")  # of "EER, macro"
        is_lowest = is_lowest_best(names[inner]) or is_lowest_best(about)
        values = sorted(set(printed.dropna()), reverse=not is_lowest)
        # Of two values the second is the worst: only one stands out.
        for best, place in zip(values[: len(values) - 1], (BEST, SECOND), strict=False):
            for row in (row for row, value in zip(rows, printed, strict=True) if value == best):
                found.iat[row, position] = place
    return found
