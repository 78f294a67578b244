"""What made the numbers: code, machines, weights and images, from the cells' records."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from shlex import join
from typing import Any

import pandas as pd

import forenbench
from forenbench.records.environment import versions
from forenbench.records.finished import Finished
from forenbench.tables.table import Table

_MADE = ("command", "commit", "device", "machine", "python")


def provenance(scored: Sequence[Finished]) -> list[Table]:
    """Make the tables that stand at the end of a report: how, weights, images, and what was not scored."""
    return [
        Table("made", "How the scores were made", _made(scored), ()),
        Table("weights", "Weights", _weights(scored), ()),
        Table("testsets", "Test sets", _testsets(scored), ()),
        *_failures(scored),
    ]


def made_now() -> str:
    """Say when and with what a report is made."""
    found = versions()
    packages = ", ".join(f"{name} {found[name]}" for name in ("numpy", "scipy", "pillow") if name in found)
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    made_by = f"forenbench {forenbench.__version__} with Python {platform.python_version()}"
    return f"Report made {when} by {made_by}, {packages}."


def _made(scored: Sequence[Finished]) -> pd.DataFrame:
    """Describe what made the cells: a run that went on elsewhere shows as several settings."""
    counts: dict[tuple[tuple[str, str], ...], list[str]] = {}  # times of cells by what they have in common
    for one in scored:
        made, seed = one.record.provenance, one.record.identity.seed
        line = [(name, _text(getattr(made, name))) for name in _MADE]
        line += [("seed", _text(seed)), ("precision", one.record.precision)]
        line.append(("packages", ", ".join(f"{k} {v}" for k, v in (made.packages or {}).items())))
        counts.setdefault(tuple(line), []).append(made.time)
    columns = [
        {**dict(line), "cells": str(len(times)), "first cell": min(times), "last cell": max(times)}
        for line, times in counts.items()
    ]
    frame = pd.DataFrame(columns).T
    frame.index.name = "what"
    frame.columns = pd.Index([f"setting {number}" for number in range(1, len(columns) + 1)])
    return frame


def _weights(scored: Sequence[Finished]) -> pd.DataFrame:
    """List each detector's version, threshold and the full sha256 of its files."""
    lines: dict[tuple[str, ...], None] = {}
    for one in scored:
        identity = one.record.identity
        for name, sha256 in identity.checkpoints.items() or [("(none)", "")]:
            threshold = f"{one.threshold:g}"
            lines[*one.detector, identity.detector_version, threshold, name, sha256] = None
    columns = ["detector", "weights", "version", "threshold", "file", "sha256"]
    return pd.DataFrame(list(lines), columns=columns).set_index("detector")


def _testsets(scored: Sequence[Finished]) -> pd.DataFrame:
    """List test sets with the digest of their images."""
    lines: dict[tuple[str, ...], int] = {}
    for one in scored:
        key = one.dataset, one.testset, one.protocol, one.record.identity.testset
        lines[key] = max(lines.get(key, 0), one.record.counts.images)
    rows = [(*key, images) for key, images in lines.items()]
    columns = ["dataset", "testset", "protocol", "digest", "images"]
    return pd.DataFrame(rows, columns=columns).set_index("dataset")


def _failures(scored: Iterable[Finished]) -> list[Table]:
    """List the cells with images that were not scored; no table where there is none."""
    rows = [
        dict(sorted(asdict(one.record.cell).items())) | asdict(one.record.counts)
        for one in scored
        if one.record.counts.lost
    ]
    if not rows:
        return []
    title = "Images that were not scored; metrics use the others (ok) only"
    return [Table("failures", title, pd.DataFrame(rows).set_index("detector"), ())]


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a record holds
    """Word one value of a record; earlier versions left some out."""
    return join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
