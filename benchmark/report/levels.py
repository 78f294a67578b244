"""How the means over test sets change with the level of each kind of perturbation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from forenbench.kinds import KINDS
from forenbench.robustness import family_and_level

from .charts import Chart, draw_levels

_METRICS = {"Accuracy": "acc", "Average precision": "ap"}
_NONE = "none"
_MILD_IF_HIGH = {kind.name for kind in KINDS if kind.symbol in ("Q", "F", "N")}


def draw_robustness(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> Iterator[Chart]:
    """Draw each kind of perturbation with several levels, from the image as it is to the strongest.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        names: The detectors to draw, as (name, kind of weights), with the names to draw them by.
    """
    families: dict[str, list[str]] = {}
    for one in dict.fromkeys(cells["perturbation"]):
        families.setdefault(family_and_level(one)[0], []).append(one)
    for family, members in families.items():
        if len(members) > 1 and all(_is_number(family_and_level(one)[1]) for one in members):
            order = sorted(members, key=_strength, reverse=family in _MILD_IF_HIGH)
            shown = [_NONE, *order] if _NONE in families else order
            means = {label: _means(cells, metric, shown, names) for label, metric in _METRICS.items()}
            levels = [family_and_level(one)[1] or one for one in shown]
            words = f"Means over test sets by level of {family}, the mildest on the left."
            yield draw_levels(family, words, levels, means)


def _means(
    cells: pd.DataFrame, metric: str, perturbations: Sequence[str], names: Mapping[tuple[str, str], str]
) -> dict[str, list[float]]:
    """Average over test sets in percent; NaN where a detector lacks one."""
    wide = cells.pivot(
        index=["detector", "weights"], columns=["perturbation", "dataset", "testset"], values=metric
    )
    places = cells[["dataset", "testset"]].drop_duplicates().apply(tuple, axis=1)
    means = {
        one: wide.reindex(columns=pd.MultiIndex.from_tuples([(one, *place) for place in places]))
        .mean(axis=1, skipna=False)
        .mul(100)
        for one in perturbations
    }
    return {name: [float(means[one][key]) for one in perturbations] for key, name in names.items()}


def _strength(perturbation: str) -> float:
    return float(family_and_level(perturbation)[1])


def _is_number(level: str) -> bool:
    return level.replace(".", "", 1).isdigit()
