"""Every table that any run has, by name, and what packages and files add."""

from __future__ import annotations

from forenbench.registry import Registry

from . import (
    acc_ap,
    by_protocol,
    cellwise,
    equalised,
    realsources,
    robustness,
    shortcut,
    summary,
    timeline,
    windows,
)
from .papers import paper_tables
from .table_kinds import GROUP, TableKind, flaw

_OURS = (
    TableKind(
        "acc-ap",
        "accuracy and average precision by generator (layout of LGrad's Table 3)",
        acc_ap.accuracy_and_precision,
        takes_metrics=True,
    ),
    TableKind(
        "summary",
        "each detector: means, deviations over generators, and its worst one",
        summary.table,
        takes_metrics=True,
    ),
    TableKind(
        "cells",
        "every cell: images, accuracies by label, AP, AUROC, with intervals",
        cellwise.by_label,
        takes_metrics=True,
    ),
    TableKind(
        "error-rates",
        "every cell: EER, TPR at 1 % and 5 % FPR, FPR at 95 % TPR",
        cellwise.by_error_rate,
        takes_metrics=True,
    ),
    TableKind(
        "thresholds",
        "every cell at its author's, a fitted, and the oracle's threshold",
        cellwise.by_threshold,
        takes_metrics=True,
    ),
    TableKind(
        "calibration",
        "every cell: NLL, Brier score, calibration errors",
        cellwise.by_calibration,
        takes_metrics=True,
    ),
    TableKind(
        "real-sources",
        "every cell against the real images of each source",
        realsources.table,
        fixed="areas and false positive rates by source of reals",
    ),
    TableKind(
        "robustness",
        "means over test sets by kind of perturbation and level",
        robustness.table,
        takes_metrics=True,
    ),
    TableKind(
        "equalised",
        "raw scores beside those of images re-encoded alike (--equalise)",
        equalised.table,
        takes_metrics=True,
    ),
    TableKind(
        "shortcut",
        "raw files, fakes at JPEG 96, files made like the reals (--equalise), and no pixel",
        shortcut.table,
        takes_metrics=True,
    ),
    TableKind(
        "protocol",
        "a protocol's own metrics, by dataset and over all (--protocol)",
        by_protocol.table,
        fixed="the protocol says which",
    ),
    TableKind(
        "timeline", "means over generators by the year of their release", timeline.by_year, takes_metrics=True
    ),
    TableKind("timeline-quarters", "the same by quarter", timeline.by_quarter, takes_metrics=True),
    TableKind(
        "windows",
        "trained up to four generators, tested on the next four by date",
        windows.table,
        takes_metrics=True,
    ),
)
"""In the order in which they are listed."""
TABLES = {kind.name: kind for kind in _OURS}
"""Our own, by name."""
REGISTRY: Registry[TableKind] = Registry("table", GROUP, flaw, TABLES, paper_tables)
"""The same, and what packages add: none may be called like a paper's table, which has a maker of its own."""
