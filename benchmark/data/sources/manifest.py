"""Manifests: tables that say which image has which label, whatever the folders are called."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FileSource, Sample, Stamp

from .columns import UnusedColumns
from .findings import Findings
from .folder import Folder
from .joined import Joined
from .labels import read_sample
from .names import with_slashes
from .table_files import read_rows, remarks, write_rows

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
            path: replace(stamp, sha256=self.digests.get(path, ""))
            for path, stamp in self.source.stamps(paths).items()
        }


def open_manifest(file: Path, open_source: Callable[[Path], FileSource]) -> tuple[Manifest, Findings]:
    """Read a manifest: columns ``path``, ``label``, perhaps those of `Sample`, ``sha256`` and ``location``.

    Those of `Sample` are ``generator``, ``class``, ``real_source``, ``origin`` and ``split``; column names
    count in any case, and others than these are for readers. A label is 0, 1, real or fake. A path is
    relative to its row's location (a folder or an archive), which is relative to the manifest's folder; an
    empty location is that folder. A real image without a generator belongs to every test set, a fake one to
    the test set called like the manifest.

    Args:
        file: Its suffix is one of `table_files.SUFFIXES`.
        open_source: Opens a location.

    Raises:
        BenchError: A column is missing, or a row has an unknown label, no path, or another row's path.
    """
    unused = UnusedColumns()
    rows: list[_Row] = []
    for number, listed in enumerate(read_rows(file), 1):
        unused.see(listed)
        try:
            sample = read_sample(listed, file.stem)
        except ValueError as error:
            raise BenchError(f"'{file}', row {number}: {error}") from None
        rows.append(_Row(number, sample, listed.get("location", ""), listed.get("sha256", "").lower()))
    if not rows:
        raise BenchError(f"'{file}' is empty: there is no file to score")
    sources: dict[str, FileSource] = {}
    spelled: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(row.location for row in rows):
        # Windows may have written locations and paths; but on Linux a backslash is a letter like others, so
        # that what is there under just that name comes first.
        location = file.parent / name
        location = location if location.exists() else file.parent / with_slashes(name)
        source = sources[name] = open_source(location) if name else Folder(file.parent)
        paths = [row.sample.path for row in rows if row.location == name and "\\" in row.sample.path]
        absent = (path for path, stamp in source.stamps(paths).items() if not stamp.mark)
        spelled[name] = {path: with_slashes(path) for path in absent}
    samples: dict[str, Sample] = {}
    seen: set[str] = set()
    digests: dict[str, str] = {}
    owners: dict[str, int] = {}
    numbers = {name: number for number, name in enumerate(sources)}
    for row in rows:
        path = spelled[row.location].get(row.sample.path, row.sample.path)
        # "a/../b.png" and "b.png" are one image, which would count twice
        normal = posixpath.normpath(path)
        if normal in seen:
            raise BenchError(f"'{file}', row {row.number}: '{readable(path)}' is listed twice")
        seen.add(normal)
        samples[path] = row.sample if path == row.sample.path else replace(row.sample, path=path)
        owners[path] = numbers[row.location]
        digests[path] = row.sha256
    opened = Joined(list(sources.values()), owners) if len(sources) > 1 else sources[rows[0].location]
    notes = (*remarks(file), *unused.notes(), *_misspelt(file, opened, samples))
    return Manifest(opened, digests), Findings(tuple(samples.values()), (), notes)


class _Row(NamedTuple):
    """One row: where it is, what it says of a file, and where that file lies."""

    number: int
    sample: Sample
    location: str
    sha256: str


def _misspelt(file: Path, source: FileSource, paths: Iterable[str]) -> Iterator[str]:
    """Say that a table is perhaps in another encoding, where that may be why files are absent."""
    if file.suffix.lower() == ".csv":
        # a CSV file does not say its encoding: bytes that are no UTF-8 came through as surrogates
        strange = [path for path in paths if readable(path) != path]
        absent = [path for path, stamp in source.stamps(strange).items() if not stamp.mark]
        if absent:
            yield (
                f"'{file.name}' is not UTF-8, and {len(absent)} of its paths lead to no file, the first "
                f"'{readable(absent[0])}'. If it was saved as Latin-1 or Windows-1252, save it as UTF-8"
            )


def write_manifest(
    file: Path, location: Path, samples: Iterable[Sample], facts: Mapping[str, FileFacts]
) -> None:
    """Write a manifest that has the same samples as what it was made from when it is opened.

    Args:
        file: Its suffix, one of `table_files.SUFFIXES`, says the format.
        location: The folder or archive that the samples' paths are in.
        samples: In the order of the rows.
        facts: Of each sample, by path.

    Raises:
        BenchError: Another suffix, or the file cannot be written.
    """
    # relative, so that a manifest moves and is shared together with its images
    relative = os.path.relpath(location.resolve(), file.parent.resolve())
    rows = [
        {
            "path": sample.path,
            "label": sample.label,
            "generator": sample.generator,
            "class": sample.class_name,
            "real_source": sample.real_source,
            "origin": sample.origin,
            "split": sample.split,
            **asdict(facts[sample.path]),
            "location": "" if relative == "." else relative,
        }
        for sample in samples
    ]
    write_rows(file, list(rows[0]), rows)
