"""Lists: tables of those files of a source that count alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.printable import readable
from forenbench.types import FileSource

from .findings import Findings
from .manifest import Manifest
from .names import with_slashes
from .table_files import read_rows

_PATHS = ("path", "filename", "file_name")
"""What lists call the column of paths: ours, ClipBased's and B-Free's, and Hugging Face's."""


def only_listed(source: FileSource, findings: Findings, file: Path) -> tuple[FileSource, Findings]:
    """Keep the files that a table lists, and have those refused whose content is not what it says.

    Args:
        source: Of the files.
        findings: What it holds; what is borrowed stays, for the list is of the dataset's own files.
        file: CSV, JSON Lines or Parquet: column path (filename, file_name), perhaps sha256; others do not
            count.

    Raises:
        BenchError: It cannot be read, has no such column, or lists no file that is there.
    """
    there = {sample.path for sample in findings.samples}
    digests: dict[str, str] = {}
    for number, row in enumerate(read_rows(file), 1):
        path = next((row[name] for name in _PATHS if row.get(name)), "")
        if not path:
            raise BenchError(f"'{file}', row {number}: there is no 'path' (columns: {', '.join(row)})")
        digests[path if path in there else with_slashes(path)] = row.get("sha256", "").lower()
    kept = tuple(sample for sample in findings.samples if sample.path in digests)
    lacking = [path for path in digests if path not in there]
    if not kept:
        example = (
            f", the first '{readable(lacking[0])}'; the dataset's are like '{min(there)}'" if lacking else ""
        )
        raise BenchError(f"'{file}' lists no file that is there{example}")
    notes = [f"list '{file.name}': {len(kept)} of {len(there)} files count"]
    if lacking:
        notes.append(f"list '{file.name}': {len(lacking)} are not there, the first '{readable(lacking[0])}'")
    found = replace(findings, samples=kept, notes=(*findings.notes, *notes))
    return Manifest(source, {path: sha256 for path, sha256 in digests.items() if sha256}), found
