"""Places where images are → opened sources, of whichever kind the place is."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from posixpath import splitext
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.files.hub_datasets import folder_name
from forenbench.printable import readable
from forenbench.types import FileSource, Source

from . import archive, table_files
from .archive import Archive, find_members, is_archive, open_archive, stem_of
from .findings import Findings
from .folder import Folder, find_samples, list_files, read_labels, refuse_empty
from .huggingface import HuggingFace, open_huggingface
from .joined import join
from .leftovers import BESIDE_TARS
from .manifest import open_manifest
from .ruled import read_by_rules
from .rules import NO_RULES, Rules
from .source_kinds import open_guest, problems
from .tar_files import TarFiles
from .volumes import refuse_volume
from .webdataset import find_keyed, says_labels

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
    Place("tar files", "tar files whose images have texts .cls or .json beside them, as WebDataset's"),
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
        return _open_folder(location, otherwise, classes, rules)
    if is_archive(location):
        opened = open_archive(location)
        names = [name.removeprefix(opened.inside) for name in opened.members()]
        if otherwise is None and not rules.label_paths and _has_texts(opened, names, rules):
            return opened, _read_texts(opened, names, location, rules)
        _refuse_words(location, rules)
        return opened, find_members(opened, otherwise, classes, rules)
    if location.name.lower().endswith(table_files.SUFFIXES):
        _refuse_patterns(location, rules)
        if location.suffix.lower() == ".parquet" and location.is_file():
            import pyarrow.parquet as pq

            columns: dict[str, str] = {}
            with suppress(OSError, ValueError):  # the manifest's reader words what is wrong
                schema = pq.read_schema(location)
                spelled = (name.strip().lower() for name in schema.names)
                columns = dict(zip(spelled, map(str, schema.types), strict=True))
            # Does it hold images, or list them? Bytes alone do not tell, for a manifest's own paths are bytes
            # where they are no valid text. A struct of a path is an image that lies beside the table.
            holds = any("binary" in kind or re.match("struct<.*path: ", kind) for kind in columns.values())
            if holds and rules.words.theirs("path") not in columns:
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
    if all(location.suffix.lower() == ".tar" for location in locations):
        root = Path(os.path.commonpath([location.parent for location in locations]))
        tars = TarFiles(root, [location.relative_to(root).as_posix() for location in locations])
        if _has_texts(tars, list(tars.paths()), rules):
            return _open_tars(tars, root, None, rules)
    pieces: list[Opened] = []
    for location in locations:
        if is_archive(location):
            # not `open_archive`, which enters a folder of the archive's own name: here it tells pieces apart
            opened = Archive(location)
            pieces.append((opened, find_members(opened, classes=classes, rules=rules)))
        else:
            pieces.append(open_location(location, classes=classes, rules=rules))
    return join(pieces)


def _open_folder(location: Path, otherwise: int | None, classes: Collection[str], rules: Rules) -> Opened:
    """Open a folder of whatever it holds."""
    inside = _look_into(location)
    # Where patterns say the labels, they are of images, which tables may lie beside.
    if inside.tables and not rules.label_paths:
        _refuse_patterns(location, rules)
        return open_huggingface(location, inside.tables, rules.words)
    if inside.tars:
        return _open_tars(TarFiles(location, inside.tars), location, otherwise, rules)
    folder = Folder(location)
    if otherwise is None and not rules.label_paths and _has_texts(folder, inside.files, rules):
        return folder, _read_texts(folder, inside.files, location, rules)
    _refuse_words(location, rules)
    return folder, find_samples(location, otherwise, classes, rules)


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
        inside = _look_into(location)
        if inside.tables:
            return HuggingFace(location, inside.tables)
        return TarFiles(location, inside.tars) if inside.tars else Folder(location)
    if is_archive(location):
        return open_archive(location)
    raise _refusal(location)


class _Inside(NamedTuple):
    """What a folder holds.

    Attributes:
        files: All.
        tables: The Parquet files, where no folders are labels.
        tars: The tar files, where no folders are labels, and there is nothing else.
    """

    files: Sequence[str]
    tables: Sequence[str] = ()
    tars: Sequence[str] = ()


def _look_into(folder: Path) -> _Inside:
    """List what a folder holds, and look for other things in it than images."""
    files = sorted(list_files(folder))
    suffixes = {splitext(file)[1].lower() for file in files}
    tables = [file for file in files if file.lower().endswith(".parquet")]
    tars = [file for file in files if file.lower().endswith(".tar")] if suffixes <= BESIDE_TARS else []
    # Somebody's results may lie beside the images; with label folders it is the folder that is meant.
    if (tables or tars) and read_labels(files, folder.name).samples:
        return _Inside(files)
    return _Inside(files, tables, tars)


def _has_texts(source: Source, paths: Sequence[str], rules: Rules) -> bool:
    """Say whether texts beside images, rather than folders, say what these are."""
    return says_labels(source, paths, rules.words) and not read_labels(paths, "").samples


def _open_tars(tars: TarFiles, location: Path, otherwise: int | None, rules: Rules) -> Opened:
    """Open tar files whose labels are in texts, or said of all, or by patterns of ``<tar file>/<member>``."""
    paths = list(tars.paths())
    if otherwise is None and not rules.label_paths:
        if not says_labels(tars, paths, rules.words):
            some = f"'{readable(paths[0])}' for one" if paths else "nothing is in them"
            raise BenchError(
                f"the tar files in '{location}' have no labels: no image in them has a text .cls beside it, "
                f"or .json with a field 'label' ({some}). Say by patterns which are real and which fake, or "
                "list them with their labels in a manifest, whose column 'location' is this folder"
            )
        return tars, _read_texts(tars, paths, location, rules)
    _refuse_words(location, rules)
    findings = read_labels(paths, folder_name(location), otherwise, rules=rules)
    return tars, refuse_empty(location, findings, rules)


def _read_texts(source: Source, paths: Sequence[str], location: Path, rules: Rules) -> Findings:
    """Read what texts beside images say of them; what patterns leave aside is left."""
    stem = folder_name(location) if location.is_dir() else stem_of(location)
    left = read_by_rules(sorted(paths), stem, rules) if rules.leave else Findings((), tuple(paths))
    found = find_keyed(source, left.unlabelled, rules.words, str(location), stem)
    return replace(found, notes=(*left.notes, *found.notes))


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
