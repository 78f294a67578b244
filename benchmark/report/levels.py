"""How the means over test sets change with the level of each kind of perturbation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from forenbench.perturbations import known_kind
from forenbench.tables import robustness
from forenbench.tables.robustness import family_and_level

from .charts import Chart, Levels, draw_levels, styles

_METRICS = {"Accuracy": "Acc.", "Average precision": "A.P."}
_NONE = "none"


def draw_robustness(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> Iterator[Chart]:
    """Draw each data set's perturbations of several levels, from the image as it is to the strongest.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        names: The detectors to draw, as (name, kind of weights), with the names to draw them by.
    """
    several = cells["dataset"].nunique() > 1
    for dataset, group in cells.groupby("dataset", sort=False):
        where = f"{dataset}. " if several else ""
        for levels, description in _levels(group, names):
            words = f"{where}{description}. Means over test sets, the mildest level on the left."
            yield draw_levels(levels, words, styles(list(names.values())))


def _levels(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> Iterator[tuple[Levels, str]]:
    """Give what is to be drawn of one data set, and what each kind does; nothing without a level's mean."""
    means, families = robustness.table(cells).frame, dict[str, list[str]]()
    for one in dict.fromkeys(cells["perturbation"]):
        families.setdefault(family_and_level(one)[0], []).append(one)
    for family, members in families.items():
        kind = known_kind(family)
        if len(members) > 1 and kind is not None and kind.harm:
            shown = [_NONE] * (_NONE in families) + sorted(members, key=partial(_harm, kind.harm))
            places = [family_and_level(one) for one in shown]
            levels = [level or one for one, (_, level) in zip(shown, places, strict=True)]
            for label, metric in _METRICS.items():
                found = _means(means, metric, places, names)
                if not np.isnan(list(found.values()))[:, -len(members) :].all():
                    yield Levels(f"{family}:{kind.symbol}", levels, label, found), kind.description


def _means(
    means: pd.DataFrame,
    metric: str,
    places: Sequence[tuple[str, str]],
    names: Mapping[tuple[str, str], str],
) -> dict[str, list[float]]:
    """Take means of the table of robustness by (family, level); NaN where a detector lacks one."""
    columns = pd.MultiIndex.from_tuples([(*place, metric) for place in places])
    found = means.reindex(index=pd.MultiIndex.from_tuples(names), columns=columns).to_numpy(float)
    return dict(zip(names.values(), found.tolist(), strict=True))


def _harm(of: Callable[[float], float], perturbation: str) -> float:
    """Say how much harm a level does, within its kind."""
    return of(float(family_and_level(perturbation)[1]))
