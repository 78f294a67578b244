"""Runs as things that one lists, renames and removes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.in_use import FOLDER, is_in_use
from forenbench.files.sizes import size_of
from forenbench.records.store import Damaged, Store

from .arguments import PathName
from .config import NAME
from .run_folders import RUNS, find_run, is_run

if TYPE_CHECKING:
    import pandas as pd

_MADE = (
    *(
        "tables",
        "parts",
        "superseded",
        "datasets",
        FOLDER,
        "leaderboard.csv",
        "leaderboard.md",
        "report.html",
    ),
    *("measured.arrows", "fits.json", NAME, "scores"),
)
"""What runs and the commands on them make in a run folder. Rows last: until then what is left is a run."""


def list_runs(folder: PathName = RUNS) -> pd.DataFrame:
    """List the run folders in a folder.

    Args:
        folder: By default ``results/runs``.

    Returns:
        A row a run: ``run`` (its name), ``datasets`` and ``detectors`` (with commas between), ``cells`` (that
        are finished), ``images`` (rows), ``date`` (of the newest cell, ISO 8601 in UTC; empty without one),
        ``state`` (running; damaged; unfinished; how many images are not scored; or whole), ``size`` (bytes).
    """
    import pandas as pd

    folders = sorted(path for path in Path(folder).glob("[!.]*") if is_run(path) and not path.is_symlink())
    columns = ["run", "datasets", "detectors", "cells", "images", "date", "state", "size"]
    rows = []
    for run in folders:
        records = Store(run).records(beside_damaged=True)
        datasets = dict.fromkeys(record.cell.dataset for record in records)
        detectors = dict.fromkeys(record.cell.detector for record in records)
        images = sum(record.counts.images for record in records)
        date = max((record.provenance.time for record in records), default="")
        words = run.name, ", ".join(datasets), ", ".join(detectors)
        rows.append((*words, len(records), images, date, state_of(run), size_of(run)))
    return pd.DataFrame(rows, columns=columns)


def state_of(run: Path) -> str:
    """Say in words how a run is: running, damaged, unfinished, images not scored, or whole."""
    if is_in_use(run):
        return "running"
    try:
        records = Store(run).records()
    except Damaged:
        return "damaged"
    if (run / "parts").is_dir() or not records:
        return "unfinished"
    lost = sum(sum(record.counts.lost.values()) for record in records)
    return f"{lost} images not scored" if lost else "whole"


def rename_run(run: PathName, name: PathName) -> Path:
    """Rename a run folder, or move it.

    Args:
        run: Its path, or its name below ``results/runs``.
        name: A new name in the same folder, or a path.

    Returns:
        Where it is now.

    Raises:
        BenchError: There is no such run, it is going on, the name is taken, or it cannot be moved there.
    """
    folder = _idle(run)
    target = folder.parent / name if Path(name).name == str(name) else Path(name)
    if target.exists() or target.is_symlink():
        raise BenchError(f"'{target}' is there already: choose another name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
    except OSError as error:
        raise BenchError(f"'{folder}' cannot become '{target}': {error.strerror or error}") from error
    return target


def remove_run(run: PathName) -> list[Path]:
    """Remove a run: all that runs and the commands on them make in its folder, and the folder.

    Links are removed, not what they lead to.

    Args:
        run: Its path, or its name below ``results/runs``.

    Returns:
        What else lies in the folder, which stays there with it.

    Raises:
        BenchError: There is no such run, it is going on, or it cannot be removed.
    """
    folder = _idle(run)
    try:
        for name in _MADE:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        others = sorted(folder.iterdir())
        if not others and folder.resolve() != Path.cwd().resolve():
            folder.rmdir()
    except OSError as error:
        raise BenchError(f"'{folder}' cannot be removed: {error}") from error
    return others


def _idle(run: PathName) -> Path:
    folder = find_run(run)
    if is_in_use(folder):
        raise BenchError(f"'{folder}' is in use: a run is going on there; wait for it, or stop it")
    return folder
