"""Metrics of plain files: each is in the catalogue for as long as the process runs that asked for it."""

from __future__ import annotations

from forenbench.errors import BenchError
from forenbench.registry.plugin_files import read_plugin

from . import added_metrics
from .metric import Metric
from .metric_catalogue import METRICS, register


def add_file(path: str) -> Metric:
    """Add the metric that a Python file defines; of the same file again, what it defines now.

    Raises:
        BenchError: There is no such file, it defines no metric, or one whose column or heading is taken.
    """
    row = added_metrics.in_file(read_plugin(path, "metric"))
    before = METRICS.get(row.name)
    # A file that was edited, as beside a notebook, takes the place of what it was.
    if before and before.origin == row.origin:
        del METRICS[row.name]
    try:
        register(row)
    except ValueError as error:
        if before:
            METRICS[row.name] = before
        raise BenchError(f"metric '{path}' cannot be used: {error}") from error
    return row
