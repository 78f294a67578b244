"""A run's tables and leaderboard as files beside its rows, left alone while they would say the same."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import forenbench
from forenbench.files.atomic import explaining, write_json, write_text
from forenbench.files.checksums import sha256_of
from forenbench.files.regular import read_regular

from . import leaderboard
from .makers import TABLES
from .rendering import render
from .table import NothingToShow

if TYPE_CHECKING:
    import pandas as pd

_RECORD = "tables/made_from.json"
_SUFFIXES = {".csv": "csv", ".tidy.csv": "tidy", ".md": "markdown"}


def export(cells: pd.DataFrame, root: Path) -> list[str]:
    """Write every table and the leaderboard, unless they are there, made from the same cells by this code.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        root: The run folder.

    Returns:
        The files, relative to the run folder.
    """
    digest = hashlib.sha256("\n".join(cells["mark"]).encode())
    # Ranks, notes and layouts rest on code that no cell's mark knows of: any change of it makes new files.
    digest.update(_of_code())
    made_from = digest.hexdigest()
    with suppress(OSError, ValueError, KeyError):  # there is none yet, or somebody has changed it
        known = json.loads(read_regular(root / _RECORD))
        files: dict[str, str] = known["files"] if known["made_from"] == made_from else {}
        if files and all(sha256_of(root / name) == sha256 for name, sha256 in files.items()):
            return list(files)
    written = []
    # Ours alone: code of packages is run when somebody asks for its table, or for a report.
    for name, kind in TABLES.items():
        with suppress(NothingToShow), explaining(root):
            made = replace(kind.make(cells), cells=cells)
            for suffix, style in _SUFFIXES.items():
                written.append(f"tables/{name}{suffix}")
                write_text(root / written[-1], render(made, style))
    written += [path.name for path in leaderboard.write(cells, root)]
    # Last: where this was killed before, the record of the files before does not fit, and all are made anew.
    digests = {name: sha256_of(root / name) for name in written}
    with explaining(root):
        write_json(root / _RECORD, {"made_from": made_from, "files": digests})
    return written


@cache
def _of_code() -> bytes:
    """Digest what tables rest on beside cells: read once, as the code that is at work was."""
    digest = hashlib.sha256()
    for file in (*code(), *described()):
        digest.update(file.read_bytes())
    return digest.digest()


def described() -> list[Path]:
    """List the files that describe datasets: tables by date rest on what they say."""
    folder = Path(forenbench.__file__).parent / "datasets"
    return sorted(file for file in folder.rglob("*") if file.suffix in (".toml", ".csv"))


def code() -> list[Path]:
    """List the files of all code of this package."""
    return sorted(Path(forenbench.__file__).parent.rglob("*.py"))
