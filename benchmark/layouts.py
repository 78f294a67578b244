"""Described datasets that lie elsewhere: where official code unpacks them, or where the user says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .descriptions import Spec
from .sources.folder import Findings


def find_layout(spec: Spec, root: Path) -> Path | None:
    """Find a dataset that is unpacked as official code wants it: the first such folder that holds any of it.

    Args:
        spec: Its `layouts` are looked for.
        root: The folder that these are below.
    """
    return next((root / layout for layout in spec.layouts if _holds(spec, root / layout)), None)


def locate(spec: Spec, places: Mapping[str, Path]) -> Spec:
    """Say where a dataset is, if that was said: a folder, archive or manifest, or a layout below a folder."""
    place = places.get(spec.name)
    if place is None:
        return spec
    found = place if _holds(spec, place) else find_layout(spec, place) or place
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
    """Say whether a folder has one of a dataset's own folders in it."""
    return any((folder / name).is_dir() for name in spec.top_folders())
