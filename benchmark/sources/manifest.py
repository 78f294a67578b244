"""Manifests: tables that say which image has which label, whatever the folders are called."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.types import FAKE, REAL, BenchError, FileSource, Sample, Stamp

from .folder import Findings, Folder, label_of, readable
from .joined import Joined
from .rows import read_rows, write_rows

if TYPE_CHECKING:
    from forenbench.inventory import FileFacts


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

    Those of `Sample` are ``generator``, ``class``, ``real_source`` and ``origin``; column names count in any
    case, and others than these are for readers. A label is 0, 1, real or fake. A path is relative to its
    row's location (a folder or an archive), which is relative to the manifest's folder; an empty location is
    that folder. A real image without a generator belongs to every test set, a fake one to the test set
    called like the manifest.

    Args:
        file: Its suffix is one of `rows.SUFFIXES`.
        open_source: Opens a location.

    Raises:
        BenchError: A column is missing, or a row has an unknown label, no path, or another row's path.
    """
    samples: dict[str, Sample] = {}
    seen: set[str] = set()
    digests: dict[str, str] = {}
    owners: dict[str, int] = {}
    locations: dict[str, int] = {}
    for number, row in enumerate(read_rows(file), 1):
        try:
            sample = read_sample(row, file.stem)
            normal = posixpath.normpath(sample.path)
            if normal in seen:
                raise ValueError(f"'{readable(sample.path)}' is listed twice")
        except ValueError as error:
            raise BenchError(f"'{file}', row {number}: {error}") from None
        seen.add(normal)
        samples[sample.path] = sample
        owners[sample.path] = locations.setdefault(row.get("location", ""), len(locations))
        digests[sample.path] = row.get("sha256", "").lower()
    if not samples:
        raise BenchError(f"'{file}' is empty: there is no file to score")
    sources = [open_source(file.parent / name) if name else Folder(file.parent) for name in locations]
    source = sources[0] if len(sources) == 1 else Joined(sources, owners)
    return Manifest(source, digests), Findings(tuple(samples.values()), ())


def write_manifest(
    file: Path, location: Path, samples: Iterable[Sample], facts: Mapping[str, FileFacts]
) -> None:
    """Write a manifest that opens as the very samples it was made from.

    Args:
        file: Its suffix, one of `rows.SUFFIXES`, says the format.
        location: The folder or archive that the samples' paths are in.
        samples: In the order of the rows.
        facts: Of each sample, by path.

    Raises:
        BenchError: Another suffix, or the file cannot be written.
    """
    relative = os.path.relpath(location.resolve(), file.parent.resolve())
    rows = [
        {
            "path": sample.path,
            "label": sample.label,
            "generator": sample.generator,
            "class": sample.class_name,
            "real_source": sample.real_source,
            "origin": sample.origin,
            **asdict(facts[sample.path]),
            "location": "" if relative == "." else relative,
        }
        for sample in samples
    ]
    write_rows(file, list(rows[0]), rows)


def read_sample(row: Mapping[str, str], stem: str) -> Sample:
    """Read one row; `stem` is the generator of fakes, and the source of reals, that do not say.

    Raises:
        ValueError: Without a path or a known label.
    """
    for name in ("path", "label"):
        if not row.get(name):
            raise ValueError(f"there is no '{name}' (columns: {', '.join(row)})")
    path, label = row["path"], label_of(row["label"])
    if b"\0" in os.fsencode(path):
        raise ValueError("no file has a zero byte in its path")
    if label is None:
        raise ValueError(f"label '{row['label']}' of '{readable(path)}' is none of 0, 1, real, fake")
    generator = row.get("generator", "") or (stem if label == FAKE else "")
    real_source = row.get("real_source", "") or (generator or stem if label == REAL else "")
    texts = generator, row.get("class", ""), real_source, row.get("origin", "")
    return Sample(path, label, *map(readable, texts))
