"""Every table that any run has, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from . import acc_ap, cellwise, equalised, realsources, robustness, summary
from .table import Table


class TableMaker(NamedTuple):
    """How a table is made.

    Attributes:
        make: Makes it of cells of one protocol (see `forenbench.tables.measure`).
        description: One line for ``bench list tables``.
    """

    make: Callable[[pd.DataFrame], Table]
    description: str


TABLES: Mapping[str, TableMaker] = {
    "acc-ap": TableMaker(
        acc_ap.accuracy_and_precision,
        "accuracy and average precision by generator (layout of LGrad's Table 3)",
    ),
    "summary": TableMaker(summary.table, "each detector: macro and micro means, and its worst generator"),
    "cells": TableMaker(
        cellwise.by_label, "every cell: images, accuracies by label, AP, AUROC, with intervals"
    ),
    "error-rates": TableMaker(
        cellwise.by_error_rate, "every cell: EER, TPR at 1 % and 5 % FPR, FPR at 95 % TPR"
    ),
    "thresholds": TableMaker(
        cellwise.by_threshold, "every cell at its author's, a fitted, and the oracle's threshold"
    ),
    "calibration": TableMaker(cellwise.by_calibration, "every cell: NLL, Brier score, calibration errors"),
    "real-sources": TableMaker(realsources.table, "every cell against the real images of each source"),
    "robustness": TableMaker(robustness.table, "means over test sets by kind of perturbation and level"),
    "equalised": TableMaker(
        equalised.table, "raw scores beside those of images re-encoded alike (--equalise)"
    ),
}
"""In the order in which they are listed."""
