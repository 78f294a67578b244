"""The test sets of a page: what is in each, and what can be told of its labels without a pixel."""

from __future__ import annotations

import pandas as pd

from forenbench.audit import metadata_only
from forenbench.data.descriptions import specs
from forenbench.tables.cell_frame import TESTSET, as_dicts, grouped
from forenbench.tables.table import Table

from .grid import Grid, lay_out

_NOTES = (
    "no pixel: AUROC (%) of a classifier that sees format, size and metadata alone, kept by 'bench audit'."
    " Far above 50, labels can be told without a trace of a generator. Blank: not audited.",
    "origins: what several images are pieces of, which intervals draw together. Blank: each is its own.",
)


def describe(cells: pd.DataFrame) -> Grid:
    """List test sets with their images and, where one was audited, the audit's one number."""
    known, rows = specs(), []
    for group in grouped(as_dicts(cells), TESTSET).values():
        audited = [100 * one["auroc"] for one in group if one["detector"] == metadata_only.NAME]
        # Rows of one test set are of the same images, but for files that changed: the newest are told.
        newest = max(group, key=lambda one: str(one["time"]))
        spec = known.get(newest["dataset"])
        rows.append(
            {
                "dataset": newest["dataset"],
                "testset": newest["testset"],
                "real": newest["reals"],
                "fake": newest["fakes"],
                "origins": str(newest["origins"] or ""),
                "no pixel": audited[0] if audited else float("nan"),
                "licence": spec.licence if spec else "",
                "digest": newest["digest"][:12],
            }
        )
    frame = pd.DataFrame(rows).set_index(TESTSET)
    return lay_out(Table("described-sets", "Test sets, and what gives their labels away", frame, _NOTES, 1))
