"""Which value of a column is the best one."""

from __future__ import annotations

from forenbench.metrics.metric_values import is_lower_better

NO_CONTEST = {"reals", "Spread"}
"""Columns that no detector is better in."""
_ERRORS = {"FPR"}
"""Rates of errors that are no metrics of a cell: `realsources` has them for each source."""


def is_lowest_best(heading: str) -> bool:
    """Say whether a column's lowest value is the best one."""
    return heading in _ERRORS or is_lower_better(heading)
