"""Which value of a column is the best one."""

from __future__ import annotations

from forenbench.metrics.metric_values import is_lower_better, labelled

NO_CONTEST = {
    "reals",
    "Spread",
    "Std. dev.",
    "std_dev",
    *(f"{label}, std. dev." for label in labelled("acc", "ap", "bacc")),
}
"""Columns that no detector is better in: one at chance everywhere has no deviation."""
_ERRORS = {"FPR"}
"""Rates of errors that are no metrics of a cell: `realsources` has them for each source."""


def is_lowest_best(heading: str) -> bool:
    """Say whether a column's lowest value is the best one."""
    return heading in _ERRORS or is_lower_better(heading)
