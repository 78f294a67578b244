"""How scores hold up: the mean metrics of each detector by kind of perturbation and level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pandas as pd

from forenbench.metrics.metric_values import decimals, in_title, labelled
from forenbench.perturbations.kinds import KINDS
from forenbench.perturbations.suites import profiles

from . import marks
from .cell_frame import CELL, DETECTOR, ROW, TESTSET, framed, in_order
from .means import NO_MEAN, averaged, macro
from .notes import notes_on
from .perturbation_levels import CHAIN, LAUNDERING
from .perturbation_levels import family_and_level as family_and_level
from .table import Table

_FAMILIES = [*(kind.name for kind in KINDS), CHAIN, LAUNDERING]


def table(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out means over test sets, shares in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of accuracy and average precision.

    Returns:
        Detectors by (kind, level, metric): kinds in the order of `KINDS`, then chains and laundering
        profiles; levels by their number. NaN where a detector lacks a test set (with both labels) that any
        cell has, or where its metric is undefined on one.
    """
    detectors, names = in_order(cells, DETECTOR), sorted(dict.fromkeys(cells["perturbation"]), key=_rank)
    metrics, columns = labelled(*(chosen or ("acc", "ap"))), {}
    means = {label: macro(cells, ROW, metric) for label, metric in metrics.items()}
    for name, label in product(names, means):
        entries = [means[label].get((name, *detector), NO_MEAN) for detector in detectors]
        columns[*family_and_level(name), label] = entries
    frame, low, high, signs = framed(columns, detectors, DETECTOR, "perturbation", "level", "metric")
    # A blank mean is explained: by what was not run, not by what failed, which the general notes say.
    wanted = len(in_order(averaged(cells), TESTSET))
    done = Counter(cell[: len(ROW)] for cell in in_order(averaged(cells), CELL))
    blank = [
        f"Blank: {detector} ({weights}) under {name} was run on {done[name, detector, weights]} of {wanted} "
        "test sets."
        for detector, weights in detectors
        for name in names
        if done[name, detector, weights] < wanted
    ]
    notes = (*blank, *notes_on(cells), *marks.remarks(cells))
    what = f"Mean {in_title(chosen)}" if chosen else "Mean accuracy and average precision (%)"
    made = Table("robustness", f"{what} over test sets, by perturbation", frame, notes, decimals(chosen))
    return replace(made, low=low, high=high, marks=signs, crowded=True)


def _rank(name: str) -> tuple[int, str, float, str]:
    """Order names by family, then level; kinds that others added, or of other versions, come last."""
    family, level = family_and_level(name)
    at = _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)
    if family == LAUNDERING:
        return at, "", list(profiles()).index(level), ""
    if family == CHAIN or not level:
        return at, family, 0, level
    return at, family, float(level), ""
