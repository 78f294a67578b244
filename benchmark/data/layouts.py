"""Described datasets that lie elsewhere: where official code unpacks them, or where the user says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from forenbench.data.sources.archive import is_archive
from forenbench.data.sources.findings import Findings
from forenbench.errors import BenchError

from .descriptions import Spec

_SHOWN = 3


def find_layout(spec: Spec, root: Path) -> Path | None:
    """Find a dataset where official code wants it: the first such archive, or folder that holds any of it.

    Args:
        spec: Its folder and `layouts` are looked for.
        root: The folder that these are below.
    """
    layouts = (root / layout for layout in (spec.folder, *spec.layouts))
    return next((layout for layout in layouts if _holds(spec, layout)), None)


def locate(spec: Spec, places: Mapping[str, Path]) -> Spec:
    """Use the path that was given for a dataset, if any: a folder, archive or manifest, or a folder above.

    Raises:
        BenchError: A folder holds nothing of it.
    """
    path = places.get(spec.name)
    if path is None:
        return spec
    # A file is not looked into here, and a dataset that declares no folders has nothing to be known by.
    is_it = path.is_file() or not spec.top_folders() or _holds(spec, path)
    found = path if is_it else find_layout(spec, path)
    if found is None:
        some = ", ".join(sorted(spec.top_folders())[:_SHOWN])
        raise BenchError(
            f"'{path}' holds nothing of dataset '{spec.name}', which has folders called {some}, …; name the "
            "folder that these are in, an archive or a manifest"
        )
    # no archives: what was said counts, even where the usual archive lies below the data root
    return replace(spec, folder=str(found.absolute()), archives=())


def only_described(spec: Spec, findings: Findings) -> Findings:
    """Leave aside what lies beside a dataset in a folder not its own, as sets of other benchmarks."""
    named = spec.top_folders()
    samples = tuple(sample for sample in findings.samples if sample.path.split("/")[0] in named)
    others = [sample.path for sample in findings.samples if sample.path.split("/")[0] not in named]
    if not named or not samples or not others:
        return findings
    note = f"left aside, not of dataset '{spec.name}': {len(others)} files, the first '{others[0]}'"
    return replace(findings, samples=samples, notes=(*findings.notes, note))


def _holds(spec: Spec, folder: Path) -> bool:
    """Say whether a place is an archive, or a folder that has one of a dataset's own folders in it."""
    if folder.is_file():
        return is_archive(folder)
    named = spec.top_folders()
    # one that declares none has nothing to be known by but where it lies
    return any((folder / name).is_dir() for name in named) if named else folder.is_dir()
