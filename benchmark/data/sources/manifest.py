"""Manifests: tables that say which image has which label, whatever the folders are called."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import TAMPERED, FileSource, Sample, Stamp

from .columns import UnusedColumns, is_likely
from .findings import Findings
from .folder import Folder
from .joined import Joined
from .labels import DROP, PLAIN, TableWords
from .names import with_slashes
from .table_files import look_through, read_rows, remarks, write_rows
from .table_rows import as_text, read_sample, share_reals

if TYPE_CHECKING:
    from forenbench.data.inventory import FileFacts


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files that a manifest lists, and what their content should be."""

    source: FileSource
    digests: Mapping[str, str]

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        return self.source.read(path)

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files, and add the content that the manifest promises."""
        return {
            path: replace(stamp, sha256=self.digests.get(path) or stamp.sha256)
            for path, stamp in self.source.stamps(paths).items()
        }


def open_manifest(
    file: Path, open_source: Callable[[Path], FileSource], words: TableWords = PLAIN
) -> tuple[Manifest, Findings]:
    """Read a manifest: columns ``path``, ``label``, perhaps those of `Sample`, ``sha256`` and ``location``.

    Those of `Sample` are ``generator``, ``class``, ``real_source``, ``origin`` and ``split``; column names
    count in any case, and others than these are for readers. A label is 0, 1, real, fake or tampered. A path
    is relative to its row's location (a folder or an archive), which is relative to the manifest's folder; an
    empty location is that folder. A real image without a generator belongs to every test set, a fake one to
    the test set called like the manifest.

    Args:
        file: Its suffix is one of `table_files.SUFFIXES`.
        open_source: Opens a location.
        words: What its columns and labels are called.

    Raises:
        BenchError: A column is missing, a label means nothing, or a row has no path, or another row's path.
    """
    rows, notes = _read(file, words)
    sources: dict[str, FileSource] = {}
    paths: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(row.location for row in rows):
        there = (file.parent / spelling for spelling in _spellings(name))
        location = next((place for place in there if place.exists()), file.parent / with_slashes(name))
        source = sources[name] = open_source(location) if name else Folder(file.parent)
        paths[name] = _found(source, [row.sample.path for row in rows if row.location == name])
    samples: dict[str, Sample] = {}
    seen: set[str] = set()
    digests: dict[str, str] = {}
    owners: dict[str, int] = {}
    numbers = {name: number for number, name in enumerate(sources)}
    for row in rows:
        path = paths[row.location].get(row.sample.path, row.sample.path)
        # "a/../b.png" and "b.png" are one image, which would count twice
        normal = posixpath.normpath(path)
        if normal in seen:
            raise BenchError(f"'{file}', row {row.number}: '{readable(path)}' is listed twice")
        seen.add(normal)
        samples[path] = row.sample if path == row.sample.path else replace(row.sample, path=path)
        owners[path] = numbers[row.location]
        digests[path] = row.sha256
    opened = Joined(list(sources.values()), owners) if len(sources) > 1 else sources[rows[0].location]
    listed = tuple(samples.values())
    if "generator" in words.columns:
        shared, more = share_reals(listed)
        listed, notes = tuple(shared), [*notes, *more]
    notes = [*remarks(file), *notes]
    if file.suffix.lower() == ".csv":
        # It does not say its encoding: bytes that are no UTF-8 came through as surrogates.
        strange = [path for path in samples if readable(path) != path]
        if absent := [path for path, stamp in opened.stamps(strange).items() if not stamp.mark]:
            notes.append(
                f"'{file.name}' is neither UTF-8 nor Windows-1252, or files are absent: {len(absent)} of its "
                f"paths lead to none, the first '{readable(absent[0])}'"
            )
    return Manifest(opened, digests), Findings(listed, (), tuple(notes))


class _Row(NamedTuple):
    """One row: where it is, what it says of a file, and where that file lies."""

    number: int
    sample: Sample
    location: str
    sha256: str


def _read(file: Path, words: TableWords) -> tuple[list[_Row], list[str]]:
    """Read the rows whose label is not to be left out, with notes on columns and labels."""
    columns, said = look_through(file, words.theirs("label"))
    if not said:
        raise BenchError(f"'{file}' is empty: there is no file to score")
    names = words.find(columns, str(file), ("path", "label"))
    labels, notes = words.meanings(said, str(file), names["label"])
    unused, likely, rows = UnusedColumns(names), list(filter(is_likely, columns)), []
    for number, row in enumerate(read_rows(file), 1):
        unused.see({name: (row.get(name, ""),) for name in likely})
        ours = {name: row.get(theirs, "") for name, theirs in names.items()}
        label = labels[ours["label"]]
        if label is None or label == DROP:
            continue
        try:
            sample = read_sample(ours, words.name or file.stem, label)
        except ValueError as error:
            raise BenchError(f"'{file}', row {number}: {error}") from None
        rows.append(_Row(number, sample, ours.get("location", ""), ours.get("sha256", "").lower()))
    if not rows:
        raise BenchError(f"'{file}' holds no row with a label: {'; '.join(notes)}")
    return rows, [*notes, *unused.notes()]


def _spellings(name: str) -> list[str]:
    """List what a path or location may be called where it lies, the likeliest first."""
    # Windows may have written it; but on Linux a backslash is a letter like others, and a byte that is no
    # UTF-8 part of a name, so that what is there under just that name comes first.
    return list(dict.fromkeys([name, with_slashes(name), as_text(name), with_slashes(as_text(name))]))


def _found(source: FileSource, paths: Iterable[str]) -> dict[str, str]:
    """Find under which spelling files are there, of paths that have several; by the table's."""
    spellings = {path: several for path in paths if len(several := _spellings(path)) > 1}
    stamps = source.stamps(list(dict.fromkeys(chain.from_iterable(spellings.values()))))
    return {
        path: next((one for one in several if stamps[one].mark), with_slashes(path))
        for path, several in spellings.items()
    }


def write_manifest(
    file: Path,
    locations: Path | Mapping[str, Path],
    samples: Iterable[Sample],
    facts: Mapping[str, FileFacts],
) -> None:
    """Write a manifest that has the same samples as what it was made from when it is opened.

    Args:
        file: Its suffix, one of `table_files.SUFFIXES`, says the format.
        locations: The folder or archive that the samples' paths are in; where there are several, by path.
        samples: In the order of the rows.
        facts: Of each sample, by path.

    Raises:
        BenchError: Another suffix, or the file cannot be written.
    """
    samples = list(samples)
    places = (
        dict.fromkeys((one.path for one in samples), locations) if isinstance(locations, Path) else locations
    )
    # relative, so that a manifest moves and is shared together with its images
    relative = {
        place: os.path.relpath(place.resolve(), file.parent.resolve()) for place in set(places.values())
    }
    rows = [
        {
            "path": sample.path,
            # 2 means something else in many a table
            "label": "tampered" if sample.label == TAMPERED else sample.label,
            "generator": sample.generator,
            "class": sample.class_name,
            "real_source": sample.real_source,
            "origin": sample.origin,
            "split": sample.split,
            **asdict(facts[sample.path]),
            "location": "" if relative[places[sample.path]] == "." else relative[places[sample.path]],
        }
        for sample in samples
    ]
    write_rows(file, list(rows[0]), rows)
