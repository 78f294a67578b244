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
    ),
    TableKind(
        "summary", "each detector: means, deviations over generators, and its worst one", summary.table
    ),
    TableKind(
        "cells", "every cell: images, accuracies by label, AP, AUROC, with intervals", cellwise.by_label
    ),
    TableKind(
        "error-rates", "every cell: EER, TPR at 1 % and 5 % FPR, FPR at 95 % TPR", cellwise.by_error_rate
    ),
    TableKind(
        "thresholds",
        "every cell at its author's, a fitted, and the oracle's threshold",
        cellwise.by_threshold,
    ),
    TableKind("calibration", "every cell: NLL, Brier score, calibration errors", cellwise.by_calibration),
    TableKind("real-sources", "every cell against the real images of each source", realsources.table),
    TableKind("robustness", "means over test sets by kind of perturbation and level", robustness.table),
    TableKind(
        "equalised", "raw scores beside those of images re-encoded alike (--equalise)", equalised.table
    ),
    TableKind(
        "shortcut",
        "raw files, fakes at JPEG 96, files made like the reals (--equalise), and no pixel",
        shortcut.table,
    ),
    TableKind(
        "protocol", "a protocol's own metrics, by dataset and over all (--protocol)", by_protocol.table
    ),
    TableKind("timeline", "means over generators by the year of their release", timeline.by_year),
    TableKind("timeline-quarters", "the same by quarter", timeline.by_quarter),
    TableKind("windows", "trained up to four generators, tested on the next four by date", windows.table),
)
"""In the order in which they are listed."""
TABLES = {kind.name: kind for kind in _OURS}
"""Our own, by name."""
REGISTRY: Registry[TableKind] = Registry("table", GROUP, flaw, TABLES, paper_tables)
"""The same, and what packages add: none may be called like a paper's table, which has a maker of its own."""
