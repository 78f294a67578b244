"""Run folders: which there are, and how they are found and opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forenbench.errors import BenchError, unknown
from forenbench.records.store import Store

from .arguments import PathName
from .packed import unpack

RUNS = Path("results/runs")
"""Where runs are that nobody names."""


def open_stores(runs: Sequence[PathName]) -> list[Store]:
    """Open run folders, or zip files of them; without any, all below `RUNS`.

    Raises:
        BenchError: There is none, or one is no run folder.
    """
    # Sorted: systems list folders in any order, and tables name detectors in the order of runs.
    # Hidden ones are of a merge that is going on, or was killed.
    named = [Path(run) for run in runs] or sorted(path for path in RUNS.glob("[!.]*") if path.is_dir())
    if not named:
        raise BenchError(f"there is no run below '{RUNS}'; name a run folder, or make one with 'bench run'")
    folders = [folder for one in named for folder in (unpack(one) if one.is_file() else [one])]
    for folder in folders:
        if not (folder / "scores").is_dir():
            raise BenchError(f"'{folder}' is no run folder: it has no 'scores' in it")
    return [Store(folder) for folder in folders]


def find_run(name: PathName) -> Path:
    """Find a run folder, finished or not, by its path, or by its name below `RUNS`.

    Raises:
        BenchError: There is none, or it is a link.
    """
    for folder in (Path(name), RUNS / name):
        if folder.is_symlink():
            raise BenchError(f"'{folder}' is a link to '{folder.resolve()}'; name the run folder itself")
        if is_run(folder):
            return folder
    if Path(name).exists():
        raise BenchError(f"'{name}' is no run folder: it has no 'scores' in it")
    raise BenchError(unknown("run", str(name), (path.name for path in RUNS.glob("[!.]*") if is_run(path))))


def is_run(folder: Path) -> bool:
    """Say whether a folder holds a run, finished or not."""
    return any((folder / name).is_dir() for name in ("scores", "parts"))
