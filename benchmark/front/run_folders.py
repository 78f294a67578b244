"""Run folders: which there are, and how they are opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.records.store import Store

from .arguments import PathName

RUNS = Path("results/runs")
"""Where runs are that nobody names."""


def open_stores(runs: Sequence[PathName]) -> list[Store]:
    """Open run folders; without any, all below `RUNS`.

    Raises:
        BenchError: There is none, or one is no run folder.
    """
    # Sorted: systems list folders in any order, and tables name detectors in the order of runs.
    folders = [Path(run) for run in runs] or sorted(path for path in RUNS.glob("*") if path.is_dir())
    if not folders:
        raise BenchError(f"there is no run below '{RUNS}'; name a run folder, or make one with 'bench run'")
    for folder in folders:
        if not (folder / "scores").is_dir():
            raise BenchError(f"'{folder}' is no run folder: it has no 'scores' in it")
    return [Store(folder) for folder in folders]
