"""How scores hold up: the mean metrics of each detector by kind of perturbation and level."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pandas as pd

from forenbench.metrics.metric_values import labelled
from forenbench.perturbations.kinds import KINDS
from forenbench.perturbations.suites import profiles

from . import marks
from .cell_frame import CELL, DETECTOR, ROW, TESTSET, framed, in_order
from .means import NO_MEAN, averaged, macro
from .notes import notes_on
from .table import Table

_METRICS = labelled("acc", "ap")
_CHAIN, _LAUNDERING = "chain", "laundering"
_FAMILIES = [*(kind.name for kind in KINDS), _CHAIN, _LAUNDERING]


def table(cells: pd.DataFrame) -> Table:
    """Lay out means over test sets in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Detectors by (kind, level, metric): kinds in the order of `KINDS`, then chains and laundering
        profiles; levels by their number. NaN where a detector lacks a test set (with both labels) that any
        cell has, or where its metric is undefined on one.
    """
    detectors, names = in_order(cells, DETECTOR), sorted(dict.fromkeys(cells["perturbation"]), key=_rank)
    means, columns = {label: macro(cells, ROW, metric) for label, metric in _METRICS.items()}, {}
    for name, label in product(names, means):
        entries = [means[label].get((name, *detector), NO_MEAN) for detector in detectors]
        columns[*family_and_level(name), label] = entries
    frame, signs = framed(columns, detectors, DETECTOR, "perturbation", "level", "metric")
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
    title = "Mean accuracy and average precision (%) over test sets, by perturbation"
    return Table("robustness", title, frame, notes, marks=signs)


def family_and_level(name: str) -> tuple[str, str]:
    """Split a canonical name: ``jpeg:75`` is level 75 of jpeg; each chain and profile is one of its own."""
    # A profile is stored as the chain it stands for: only the whole text tells it from other chains.
    for profile in profiles().values():
        if profile.chain == name:
            return _LAUNDERING, profile.name
    if "+" in name:
        return _CHAIN, name
    kind, _, level = name.partition(":")
    return kind, level


def _rank(name: str) -> tuple[int, str, float, str]:
    """Order names by family, then level; kinds that others added, or of other versions, come last."""
    family, level = family_and_level(name)
    at = _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)
    if family == _LAUNDERING:
        return at, "", list(profiles()).index(level), ""
    if family == _CHAIN or not level:
        return at, family, 0, level
    return at, family, float(level), ""
