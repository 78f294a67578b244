"""An audit of the test sets as a section of the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from forenbench.audit.distributions import draw
from forenbench.tables.table import Table

from .charts import Chart
from .grid import Grid, lay_out

if TYPE_CHECKING:
    from forenbench.audit import Audit

_HOW = ("Of three values the first is the smallest, the second the median, the third the largest.",)
_WHAT = (
    "An exact twin has the same bytes; a near one looks alike.",
    "Twins under the other label are reconstructions, or one of them is labelled wrongly.",
)
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
        Table("audit-properties", "Files by label", found.properties.set_index("dataset"), _HOW),
        Table("audit-twins", "Files that have a twin", _twins(found), _WHAT),
    ]
    if len(found.broken):
        tables.append(Table("audit-broken", "Broken files", found.broken.set_index("dataset"), ()))
    picture = "data:image/png;base64," + b64encode(draw(found.files, title)).decode()
    return Audited(found.warnings, list(map(lay_out, tables)), Chart("Distributions", picture, _WORDS))


def _twins(found: Audit) -> pd.DataFrame:
    """Count twins among the test sets' files, by the label of the twin; no training data were looked at."""
    names = {"same_label": "same label", "other_label": "other label"}
    return found.twins.counts.drop(columns="training").rename(columns=names).set_index("label")


def _baseline(found: Audit) -> pd.DataFrame:
    """Give the baseline's areas in percent."""
    lines = found.baseline.assign(auroc=found.baseline["auroc"] * 100).rename(columns={"auroc": "AUROC"})
    return lines.set_index("dataset")
