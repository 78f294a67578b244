"""Places where images are → opened sources, of whichever kind the place is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
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
from .rules import NO_RULES, Rules
from .source_kinds import open_guest, problems
from .volumes import refuse_volume

_PLACES = (
    f"a folder, an archive ({', '.join(archive.SUFFIXES)}) or a manifest ({', '.join(table_files.SUFFIXES)})"
)
Opened = tuple[FileSource, Findings]


class Place(NamedTuple):
    """A kind of place that is opened without any package: its name, and what it is."""

    name: str
    description: str


OURS = (
    Place("tables", "parquet files with images in them, as on the Hugging Face hub"),
    Place("folder", "a folder whose folders' names say the label"),
    Place("archive", f"a file {', '.join(archive.SUFFIXES)} like such a folder"),
    Place("manifest", f"a table of paths: {', '.join(table_files.SUFFIXES)}"),
)
"""What `open_location` opens itself, in the order in which it looks."""


def open_location(
    location: Path, otherwise: int | None = None, classes: Collection[str] = (), rules: Rules = NO_RULES
) -> Opened:
    """Open a folder with labels in its folders' names, an archive, a manifest, or Hugging Face parquet files.

    What packages add is asked first, for their places look like folders and files to us.

    Args:
        location: Where it is.
        otherwise: The label of a folder's or archive's files that are below no label's name.
        classes: Names of folders that are no splits (see `read_labels`).
        rules: What is said of its files.

    Raises:
        BenchError: There is nothing, or nothing of these kinds, or nothing in it has a label; or rules are
            for places of another kind.
    """
    if (guest := open_guest(location)) is not None:
        _refuse_patterns(location, rules)
        _refuse_words(location, rules)
        return guest
    if location.is_dir():
        # Where patterns say the labels, they are of images, which tables may lie beside.
        if not rules.label_paths and (tables := _parquet_files(location)):
            _refuse_patterns(location, rules)
            return open_huggingface(location, tables, rules.words)
        _refuse_words(location, rules)
        return Folder(location), find_samples(location, otherwise, classes, rules)
    if is_archive(location):
        _refuse_words(location, rules)
        opened = open_archive(location)
        return opened, find_members(opened, otherwise, classes, rules)
    if location.name.lower().endswith(table_files.SUFFIXES):
        _refuse_patterns(location, rules)
        if location.suffix.lower() == ".parquet" and location.is_file():
            import pyarrow.parquet as pq

            columns: dict[str, str] = {}
            with suppress(OSError, ValueError):  # the manifest's reader words what is wrong
                schema = pq.read_schema(location)
                names = (name.strip().lower() for name in schema.names)
                columns = dict(zip(names, map(str, schema.types), strict=True))
            # Does it hold images, or list them? Bytes alone do not tell, for a manifest's own paths are bytes
            # where they are no valid text.
            if rules.words.theirs("path") not in columns and any(
                "binary" in column for column in columns.values()
            ):
                # the generator of one file of several is called like the folder, too
                return open_huggingface(location.parent, [location.name], replace(rules.words, name=""))
        return open_manifest(location, _open_unlabelled, rules.words)
    raise _refusal(location)


def open_locations(
    locations: Sequence[Path], classes: Collection[str] = (), rules: Rules = NO_RULES
) -> Opened:
    """Open one dataset that comes in several pieces, as if all archives were unpacked into one folder.

    Args:
        locations: Where the pieces are.
        classes: See `open_location`.
        rules: See `open_location`.

    Raises:
        BenchError: See `open_location`; or a path is in two of the pieces.
    """
    if len(locations) == 1:
        return open_location(locations[0], classes=classes, rules=rules)
    pieces: list[Opened] = []
    for location in locations:
        if is_archive(location):
            # not `open_archive`, which enters a folder of the archive's own name: here it tells pieces apart
            opened = Archive(location)
            pieces.append((opened, find_members(opened, classes=classes, rules=rules)))
        else:
            pieces.append(open_location(location, classes=classes, rules=rules))
    return join(pieces)


def _refuse_words(location: Path, rules: Rules) -> None:
    """Refuse names of columns and labels beside a place that has none."""
    if rules.columns or rules.labels:
        raise BenchError(f"'{location}' is no table: columns and labels are for manifests and parquet tables")


def _refuse_patterns(location: Path, rules: Rules) -> None:
    """Refuse patterns of paths beside a place that itself says of each image what it is."""
    if rules.leave or rules.label_paths:
        raise BenchError(f"'{location}' lists its images itself: patterns are for folders and archives")


def _open_unlabelled(location: Path) -> FileSource:
    """Open what a manifest's files are in; their labels are the manifest's."""
    if location.is_dir():
        tables = _parquet_files(location)
        return HuggingFace(location, tables) if tables else Folder(location)
    if is_archive(location):
        return open_archive(location)
    raise _refusal(location)


def _parquet_files(folder: Path) -> list[str]:
    """List a folder's parquet files, if these are what it holds: none where its folders are labels."""
    files = sorted(list_files(folder))
    tables = [file for file in files if file.lower().endswith(".parquet")]
    # Somebody's results may lie beside the images; with label folders it is the folder that is meant.
    return [] if tables and read_labels(files, folder.name).samples else tables


def _refusal(location: Path) -> BenchError:
    """Return the error for a place that cannot be opened.

    Raises:
        BenchError: See `refuse_volume`.
    """
    if not location.exists():
        return BenchError(f"there is nothing at '{location}'")
    refuse_volume(location)
    others = "".join(f"; {problem}" for problem in problems())
    return BenchError(f"'{location}' is not {_PLACES}{others}; unpack or convert it first")
