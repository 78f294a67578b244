"""How the means over test sets change with the level of each kind of perturbation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from forenbench.kinds import KINDS
from forenbench.robustness import family_and_level, lay_out

from .charts import Chart, draw_levels

_METRICS = {"Accuracy": "Acc.", "Average precision": "A.P."}
_NONE = "none"
_MILD_IF_HIGH = {kind.name for kind in KINDS if kind.symbol in ("Q", "F", "N")}


def draw_robustness(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> Iterator[Chart]:
    """Draw each kind of perturbation with several levels, from the image as it is to the strongest.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        names: The detectors to draw, as (name, kind of weights), with the names to draw them by.
    """
    table, families = lay_out(cells), dict[str, list[str]]()
    for one in dict.fromkeys(cells["perturbation"]):
        families.setdefault(family_and_level(one)[0], []).append(one)
    for family, members in families.items():
        if len(members) > 1 and all(_is_number(family_and_level(one)[1]) for one in members):
            order = sorted(members, key=_strength, reverse=family in _MILD_IF_HIGH)
            shown = [_NONE, *order] if _NONE in families else order
            places = [family_and_level(one) for one in shown]
            means = {label: _means(table, metric, places, names) for label, metric in _METRICS.items()}
            levels = [level or one for one, (_, level) in zip(shown, places, strict=True)]
            words = f"Means over test sets by level of {family}, the mildest on the left."
            yield draw_levels(family, words, levels, means)


def _means(
    table: pd.DataFrame,
    metric: str,
    places: Sequence[tuple[str, str]],
    names: Mapping[tuple[str, str], str],
) -> dict[str, list[float]]:
    """Take means of `forenbench.robustness.lay_out` by (family, level); NaN where a detector lacks one."""
    columns = pd.MultiIndex.from_tuples([(*place, metric) for place in places])
    found = table.reindex(index=pd.MultiIndex.from_tuples(names), columns=columns).to_numpy(float)
    return dict(zip(names.values(), found.tolist(), strict=True))


def _strength(perturbation: str) -> float:
    return float(family_and_level(perturbation)[1])


def _is_number(level: str) -> bool:
    return level.replace(".", "", 1).isdigit()
