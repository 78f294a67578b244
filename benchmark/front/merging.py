"""The cells of several runs in one new folder, bit for bit as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.files.atomic import explaining
from forenbench.files.in_use import is_in_use
from forenbench.records import fits
from forenbench.records.record import Record
from forenbench.records.store import Store

from .arguments import PathName
from .results import Results
from .run_folders import find_run


def merge_runs(runs: Sequence[PathName], out: PathName) -> Results:
    """Put the finished cells of several runs into one new run folder, as ``bench runs merge`` does.

    Rows and records are copied as they are, so digests stay what they were. What was fitted comes along.
    Shards of unfinished cells, superseded rows and tables do not.

    Args:
        runs: Their paths, or names below ``results/runs``; they stay as they are.
        out: The new folder.

    Returns:
        The results of the new run.

    Raises:
        BenchError: A run is going on or damaged, two have a cell of one name and other rows, or other fits of
            one detector; or the new folder is there already.
        RunFailed: It cannot be written; nothing of it is left.
    """
    target = Path(out)
    if target.exists() or target.is_symlink():
        raise BenchError(f"'{target}' is there already: merge into a new folder")
    stores = [Store(find_run(run)) for run in runs]
    for store in stores:
        if is_in_use(store.root):
            raise BenchError(f"'{store.root}' is in use: a run is going on there; wait for it, or stop it")
    chosen = _cells(stores)
    _check_fits(stores)
    partial = target.with_name(f".{target.name}.{os.getpid()}.merging")
    try:
        with explaining(target):
            for store, record in chosen:
                for file in store.files(record.cell):
                    copy = partial / file.relative_to(store.root)
                    # By the names of their files, cells of earlier versions did not tell whose weights.
                    if copy.exists():
                        raise BenchError(
                            f"two cells are both called '{copy.relative_to(partial)}', one of an earlier "
                            f"version: score that of '{store.root}' again"
                        )
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
            for store in stores:
                fits.copy(store.root, partial)
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Results([Store(target)])


def _cells(stores: Sequence[Store]) -> list[tuple[Store, Record]]:
    """List the cells of all runs, each once.

    Raises:
        BenchError: Two of one name differ, or there is none.
    """
    found: dict[tuple[str, ...], tuple[Store, Record]] = {}
    for store in stores:
        for record in store.records():
            if damage := store.damage(record.cell):
                raise BenchError(f"'{store.root}' cannot be merged: {damage}")
            # Cells that read no files do not say whose weights they have; keys of records always do.
            other, same = found.setdefault(record.key, (store, record))
            if (same.identity, same.rows_sha256) != (record.identity, record.rows_sha256):
                raise BenchError(
                    f"cell {record.cell} is in '{other.root}' and in '{store.root}' with other rows; "
                    "'bench runs diff' shows how the two differ"
                )
    if not found:
        raise BenchError(f"no finished cell in {', '.join(str(store.root) for store in stores)}")
    return list(found.values())


def _check_fits(stores: Sequence[Store]) -> None:
    known: dict[tuple[str, str], tuple[Store, object]] = {}
    for store in stores:
        for key, fit in fits.read(store.root).items():
            other, same = known.setdefault(key, (store, fit))
            if same != fit:
                raise BenchError(
                    f"fits of {key[0]} ({key[1]}) differ between '{other.root}' and '{store.root}': remove "
                    "fits.json of one, or calibrate both on the same run"
                )
