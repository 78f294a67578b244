"""Places where images are → opened sources, of whichever kind the place is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.types import FileSource

from . import archive, table_files
from .archive import Archive, find_members, is_archive, open_archive
from .findings import Findings
from .folder import Folder, find_samples, list_files, read_labels
from .huggingface import HuggingFace, open_huggingface
from .joined import join
from .manifest import open_manifest
from .source_kinds import open_guest, problems
from .volumes import refuse_volume

_PLACES = (
    f"a folder, an archive ({', '.join(archive.SUFFIXES)}) or a manifest ({', '.join(table_files.SUFFIXES)})"
)
Opened = tuple[FileSource, Findings]


class Place(NamedTuple):
    """A kind of place: what it is told by, and what opens it (see `open_location`)."""

    name: str
    description: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path, int | None, Collection[str]], Opened]


def open_location(location: Path, otherwise: int | None = None, classes: Collection[str] = ()) -> Opened:
    """Open a folder with labels in its folders' names, an archive, a manifest, or Hugging Face parquet files.

    What packages add is asked first, for their places look like folders and files to us.

    Args:
        location: Where it is.
        otherwise: The label of a folder's or archive's files that are below no label's name.
        classes: Names of folders that are no splits (see `read_labels`).

    Raises:
        BenchError: There is nothing, or nothing of these kinds, or nothing in it has a label.
    """
    if (guest := open_guest(location)) is not None:
        return guest
    for place in OURS:
        if place.recognises(location):
            return place.open(location, otherwise, classes)
    raise _refusal(location)


def open_locations(locations: Sequence[Path], classes: Collection[str] = ()) -> Opened:
    """Open one dataset that comes in several pieces, as if all archives were unpacked into one folder.

    Args:
        locations: Where the pieces are.
        classes: See `open_location`.

    Raises:
        BenchError: See `open_location`; or a path is in two of the pieces.
    """
    if len(locations) == 1:
        return open_location(locations[0], classes=classes)
    return join(_open_piece(location, classes) for location in locations)


def _open_piece(location: Path, classes: Collection[str]) -> Opened:
    """Open one of several pieces; an archive's own folder counts here, for it tells the pieces apart."""
    if is_archive(location):
        opened = Archive(location)
        return opened, find_members(opened, classes=classes)
    return open_location(location, classes=classes)


def _open_unlabelled(location: Path) -> FileSource:
    """Open what a manifest's files are in; their labels are the manifest's."""
    if location.is_dir():
        tables = _parquet_files(location)
        return HuggingFace(location, tables) if tables else Folder(location)
    if is_archive(location):
        return open_archive(location)
    raise _refusal(location)


def _open_folder(location: Path, otherwise: int | None, classes: Collection[str]) -> Opened:
    return Folder(location), find_samples(location, otherwise, classes)


def _open_archive(location: Path, otherwise: int | None, classes: Collection[str]) -> Opened:
    opened = open_archive(location)
    return opened, find_members(opened, otherwise, classes)


def _open_tables(location: Path, otherwise: int | None, classes: Collection[str]) -> Opened:
    if location.is_dir():
        return open_huggingface(location, _parquet_files(location))
    return open_huggingface(location.parent, [location.name])


def _open_manifest(location: Path, otherwise: int | None, classes: Collection[str]) -> Opened:
    return open_manifest(location, _open_unlabelled)


def _parquet_files(folder: Path) -> list[str]:
    """List a folder's parquet files, if these are what it holds: none where its folders are labels."""
    files = sorted(list_files(folder))
    tables = [file for file in files if file.lower().endswith(".parquet")]
    return [] if tables and read_labels(files, folder.name).samples else tables


def _holds_tables(place: Path) -> bool:
    """Tell parquet files of images, in a folder or alone, from tables that list, or should list, paths."""
    return bool(_parquet_files(place)) if place.is_dir() else _is_table_of_images(place)


def _is_table_of_images(file: Path) -> bool:
    """Say whether a file is a parquet file with images in it."""
    if not file.is_file() or file.suffix.lower() != ".parquet":
        return False
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (OSError, ValueError):  # the manifest's reader words what is wrong
        return False
    names = [name.strip().lower() for name in schema.names]
    return "path" not in names and any("binary" in str(kind) for kind in schema.types)


def _refusal(location: Path) -> BenchError:
    """Word what is wrong with a place that cannot be opened.

    Raises:
        BenchError: See `refuse_volume`.
    """
    if not location.exists():
        return BenchError(f"there is nothing at '{location}'")
    refuse_volume(location)
    others = "".join(f"; {problem}" for problem in problems())
    return BenchError(f"'{location}' is not {_PLACES}{others}; unpack or convert it first")


def _is_manifest(location: Path) -> bool:
    """Say whether a file's name is one of a table."""
    return location.name.lower().endswith(table_files.SUFFIXES)


OURS = (
    Place(
        "tables", "parquet files with images in them, as on the Hugging Face hub", _holds_tables, _open_tables
    ),
    Place("folder", "a folder whose folders' names say the label", Path.is_dir, _open_folder),
    Place("archive", f"a file {', '.join(archive.SUFFIXES)} like such a folder", is_archive, _open_archive),
    Place("manifest", f"a table of paths: {', '.join(table_files.SUFFIXES)}", _is_manifest, _open_manifest),
)
"""What we open ourselves; the first that recognises a place."""
