"""Several sources as one, as if all their files lay in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FileSource, Stamp

from .findings import Findings


@dataclass(frozen=True, slots=True)
class Joined:
    """Sources side by side.

    Attributes:
        sources: Each read as it is.
        owners: Which of them a path belongs to.
    """

    sources: Sequence[FileSource]
    owners: Mapping[str, int]

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        if path not in self.owners:
            raise FileNotFoundError(f"no source holds '{readable(path)}'")
        return self.sources[self.owners[path]].read(path)

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files, source by source; the order of the paths is kept."""
        # Paths come from stored rows, too, which may be of files that were given then and are no more.
        found = {path: Stamp(b"//" + os.fsencode(path), "") for path in paths if path not in self.owners}
        shares: list[list[str]] = [[] for _ in self.sources]
        for path in paths:
            if path in self.owners:
                shares[self.owners[path]].append(path)
        for source, share in zip(self.sources, shares, strict=True):
            found.update(source.stamps(share))
        return {path: found[path] for path in paths}


def join(opened: Iterable[tuple[FileSource, Findings]]) -> tuple[Joined, Findings]:
    """Join opened sources; samples come in the order of their paths, like a folder's.

    Raises:
        BenchError: Two sources hold the same path.
    """
    sources, findings = zip(*opened, strict=True)
    owners: dict[str, int] = {}
    for number, found in enumerate(findings):
        for sample in found.samples:
            if owners.setdefault(sample.path, number) != number:
                raise BenchError(f"two of the archives hold '{readable(sample.path)}'; give one of them only")
    samples = [sample for found in findings for sample in found.samples]
    unlabelled = [path for found in findings for path in found.unlabelled]
    ordered = tuple(sorted(samples, key=lambda sample: sample.path))
    notes = tuple(note for found in findings for note in found.notes)
    return Joined(sources, owners), Findings(ordered, tuple(sorted(unlabelled)), notes)
