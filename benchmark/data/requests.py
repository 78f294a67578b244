"""Requests → descriptions: names of datasets and suites, or paths of folders, archives and manifests."""

from __future__ import annotations

from pathlib import Path

from forenbench.errors import BenchError, unknown
from forenbench.printable import readable

from .descriptions import Spec, Suite, specs, suites
from .sources.archive import is_archive, stem_of
from .sources.source_kinds import is_there, split_place


def find_spec(request: str) -> Spec | Suite:
    """Find what describes a dataset or suite, without looking at its files.

    Args:
        request: A name from `specs` or `suites`, or the path of a folder, archive or manifest, or of a file
            that opens a place, and the place: ``./npz.py:images.npz``.

    Raises:
        BenchError: Neither a name nor a path.
    """
    known: dict[str, Spec | Suite] = {**specs(), **suites()}
    if request in known:
        return known[request]
    path = Path(request)
    if (guest := split_place(path)) is not None and is_there(path):
        folder = ":".join(str(Path(part).absolute()) for part in guest)
        return Spec(readable(_name(guest[1])), "", "", folder=folder)
    if path.exists():
        return Spec(readable(_name(path)), "", "", folder=str(path.absolute()))
    raise BenchError(unknown("dataset", request, known) + " (and there is no such folder or file)")


def _name(path: Path) -> str:
    """Name what lies at a path: a folder as it is, a file without its suffix."""
    if path.is_dir():
        return path.resolve().name
    return stem_of(path) if is_archive(path) else path.stem
