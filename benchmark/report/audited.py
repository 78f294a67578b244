"""An audit of the test sets as a section of the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from forenbench.distributions import draw
from forenbench.tables import Table

from .charts import Chart
from .grid import Grid, lay_out

if TYPE_CHECKING:
    from forenbench.audit import Audit

_WORDS = "Shares of each label's files by their properties. Where labels differ, a detector could cheat."


@dataclass(frozen=True, slots=True)
class Audited:
    """Warnings in words, tables, and the picture of the distributions."""

    warnings: Sequence[str]
    tables: Sequence[Grid]
    picture: Chart


def describe(found: Audit, title: str) -> Audited:
    """Lay an audit out."""
    tables = [
        Table("audit-baseline", "AUROC (%) of a classifier that sees no pixel", _baseline(found), ()),
        Table("audit-properties", "Files by label", found.properties.set_index("dataset"), ()),
        Table("audit-twins", "Files that have a twin", found.twins.counts.set_index("label"), ()),
    ]
    if len(found.broken):
        tables.append(Table("audit-broken", "Broken files", found.broken.set_index("dataset"), ()))
    picture = "data:image/png;base64," + b64encode(draw(found.files, title)).decode()
    return Audited(found.warnings, list(map(lay_out, tables)), Chart("Distributions", picture, _WORDS))


def _baseline(found: Audit) -> pd.DataFrame:
    """Give the baseline's areas in percent."""
    lines = found.baseline.assign(auroc=found.baseline["auroc"] * 100).rename(columns={"auroc": "AUROC"})
    return lines.set_index("dataset")
