"""What made the numbers: code, machines, weights and images, from the cells' records."""

from __future__ import annotations

import platform
from collections.abc import Sequence
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
    settings: dict[tuple[tuple[str, str], ...], list[str]] = {}
    weights: dict[tuple[str, ...], None] = {}
    testsets: dict[tuple[str, ...], int] = {}
    lost = []
    for one in scored:
        made, identity, counts = one.record.provenance, one.record.identity, one.record.counts
        packages = ", ".join(f"{name} {version}" for name, version in (made.packages or {}).items())
        common = {name: _text(getattr(made, name)) for name in _MADE}
        common |= {"seed": _text(identity.seed), "precision": one.record.precision, "packages": packages}
        settings.setdefault(tuple(common.items()), []).append(made.time)
        for name, sha256 in identity.checkpoints.items() or [("(none)", "")]:
            weights[*one.detector, identity.detector_version, f"{one.threshold:g}", name, sha256] = None
        key = one.dataset, one.testset, one.protocol, identity.testset
        testsets[key] = max(testsets.get(key, 0), counts.images)
        if counts.lost:
            lost.append(dict(sorted(asdict(one.record.cell).items())) | asdict(counts))
    # A run that went on elsewhere, or with other packages, was made under several settings.
    how = pd.DataFrame(
        {
            f"setting {number}": {
                **dict(common),
                "cells": str(len(times)),
                "first cell": min(times),
                "last cell": max(times),
            }
            for number, (common, times) in enumerate(settings.items(), start=1)
        }
    )
    how.index.name = "what"
    columns = ["detector", "weights", "version", "threshold", "file", "sha256"]
    files = pd.DataFrame(list(weights), columns=columns)
    rows = [(*key, images) for key, images in testsets.items()]
    sets = pd.DataFrame(rows, columns=["dataset", "testset", "protocol", "digest", "images"])
    tables = [
        Table("made", "How the scores were made", how, ()),
        Table("weights", "Weights", files.set_index("detector"), ()),
        Table("testsets", "Test sets", sets.set_index("dataset"), ()),
    ]
    if lost:
        title = "Images that were not scored; metrics use the others (ok) only"
        tables.append(Table("failures", title, pd.DataFrame(lost).set_index("detector"), ()))
    return tables


def made_now() -> str:
    """Say when and with what a report is made."""
    found = versions()
    packages = ", ".join(f"{name} {found[name]}" for name in ("numpy", "scipy", "pillow") if name in found)
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    made_by = f"forenbench {forenbench.__version__} with Python {platform.python_version()}"
    return f"Report made {when} by {made_by}, {packages}."


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a record holds
    """Word one value of a record; earlier versions left some out."""
    return join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
