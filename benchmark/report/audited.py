"""An audit of the test sets as a section of the page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    baseline = found.baseline.assign(AUROC=100 * found.baseline["auroc"]).drop(columns="auroc")
    # Twins among training files are left out: a report is of test sets, and was given none to look at.
    names = {"same_label": "same label", "other_label": "other label"}
    twins = found.twins.counts.drop(columns="training").rename(columns=names)
    tables = [
        Table(
            "audit-baseline",
            "AUROC (%) of a classifier that sees no pixel",
            baseline.set_index("dataset"),
            (),
        ),
        Table("audit-properties", "Files by label", found.properties.set_index("dataset"), _HOW),
        Table("audit-twins", "Files that have a twin", twins.set_index("label"), _WHAT),
    ]
    if len(found.broken):
        tables.append(Table("audit-broken", "Broken files", found.broken.set_index("dataset"), ()))
    picture = "data:image/png;base64," + b64encode(draw(found.files, title)).decode()
    return Audited(found.warnings, list(map(lay_out, tables)), Chart("Distributions", picture, _WORDS))
