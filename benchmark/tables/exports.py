"""A run's tables and leaderboard as files beside its rows, left alone while they would say the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import forenbench
from forenbench.files.atomic import write_json, write_text
from forenbench.files.checksums import sha256_of

from . import leaderboard
from .equalised import NothingEqualised
from .makers import TABLES
from .rendering import render

if TYPE_CHECKING:
    import pandas as pd

_RECORD = "tables/made_from.json"
_SUFFIXES = {".csv": "csv", ".md": "markdown"}


def export(cells: pd.DataFrame, root: Path) -> list[str]:
    """Write every table and the leaderboard, unless they are there, made from the same cells by this code.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        root: The run folder.

    Returns:
        The files, relative to the run folder.
    """
    made_from = _fingerprint(cells)
    files = _files_made_from(made_from, root)
    if not files:
        files = [*_write_tables(cells, root), *_write_leaderboard(cells, root)]
        digests = {name: sha256_of(root / name) for name in files}
        write_json(root / _RECORD, {"made_from": made_from, "files": digests})
    return files


def _write_tables(cells: pd.DataFrame, root: Path) -> Iterator[str]:
    """Write the tables that the cells have something for."""
    for name, kind in TABLES.items():
        with suppress(NothingEqualised):
            made = kind.make(cells)
            for suffix, style in _SUFFIXES.items():
                file = f"tables/{name}{suffix}"
                write_text(root / file, render(made, style))
                yield file


def _write_leaderboard(cells: pd.DataFrame, root: Path) -> Iterator[str]:
    for path in leaderboard.write(cells, root):
        yield path.name


def _files_made_from(made_from: str, root: Path) -> list[str]:
    """List the files that were made from this, if nobody has changed or removed one since."""
    with suppress(OSError, ValueError, KeyError):
        known = json.loads((root / _RECORD).read_text(encoding="utf-8"))
        if known["made_from"] == made_from:
            changed = [name for name, sha256 in known["files"].items() if sha256_of(root / name) != sha256]
            return [] if changed else list(known["files"])
    return []


def _fingerprint(cells: pd.DataFrame) -> str:
    """Digest what the files rest on: the cells, in order, and all code of this package."""
    digest = hashlib.sha256("\n".join(cells["mark"]).encode())
    for file in code():
        digest.update(file.read_bytes())
    return digest.hexdigest()


def code() -> list[Path]:
    """List the files of all code of this package."""
    return sorted(Path(forenbench.__file__).parent.rglob("*.py"))
