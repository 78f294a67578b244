"""How scores hold up: the mean metrics of each detector by kind of perturbation and level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from forenbench.metrics.metric_values import labelled
from forenbench.perturbations.kinds import KINDS
from forenbench.perturbations.suites import profiles

from . import marks
from .cell_frame import DETECTOR, ROW, TESTSET
from .means import averaged, macro, signs
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
    notes = (*_gaps(cells), *notes_on(cells), *marks.remarks(cells))
    title = "Mean accuracy and average precision (%) over test sets, by perturbation"
    values = _by_level(cells, {label: macro(cells, ROW, key) for label, key in _METRICS.items()})
    marked = _by_level(cells, dict.fromkeys(_METRICS, signs(cells, ROW))).fillna("")
    return Table("robustness", title, values, notes, marks=marked)


def _gaps(cells: pd.DataFrame) -> Iterator[str]:
    """Name what was not run on all test sets, and so has no mean."""
    total = len(averaged(cells)[TESTSET].drop_duplicates())
    counts = averaged(cells).value_counts([*DETECTOR, "perturbation"]).to_dict()
    for detector, weights in cells[DETECTOR].drop_duplicates().itertuples(index=False):
        for name in sorted(dict.fromkeys(cells["perturbation"]), key=_rank):
            done = counts.get((detector, weights, name), 0)
            if done < total:
                yield f"Blank: {detector} ({weights}) under {name} was run on {done} of {total} test sets."


def _by_level(cells: pd.DataFrame, found: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Lay out values by perturbation, detector and weights under the name of each metric."""
    rows = pd.MultiIndex.from_frame(cells[DETECTOR].drop_duplicates())
    frame = pd.DataFrame(
        {
            (*family_and_level(name), label): values.reindex([(name, *row) for row in rows]).to_numpy()
            for name in sorted(dict.fromkeys(cells["perturbation"]), key=_rank)
            for label, values in found.items()
        },
        index=rows,
    )
    frame.columns.names = ["perturbation", "level", "metric"]
    return frame


def family_and_level(name: str) -> tuple[str, str]:
    """Split a canonical name: ``jpeg:75`` is level 75 of jpeg; each chain and profile is one of its own."""
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
    place = _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)
    if family == _LAUNDERING:
        return place, "", list(profiles()).index(level), ""
    if family == _CHAIN or not level:
        return place, family, 0, level
    return place, family, float(level), ""
