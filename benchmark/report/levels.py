"""How the means over test sets change with the level of each kind of perturbation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from forenbench.metrics.metric_catalogue import METRICS
from forenbench.perturbations import known_kind
from forenbench.tables import robustness
from forenbench.tables.robustness import family_and_level

from .charts import Chart, Levels, draw_levels, styles

_METRICS = {"acc": "Accuracy", "ap": "Average precision"}
_NONE = "none"
_ENOUGH = 2
"""Levels, for a line between them."""


def draw_robustness(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> Iterator[Chart]:
    """Draw each data set's perturbations of several levels, from the image as it is to the strongest.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        names: The detectors to draw, as (name, kind of weights), with the names to draw them by.
    """
    looks = styles(list(names.values()))
    for levels, words in levels_of(cells, names, _METRICS):
        yield draw_levels(levels, words, looks)


def levels_of(
    cells: pd.DataFrame, names: Mapping[tuple[str, str], str], metrics: Mapping[str, str]
) -> Iterator[tuple[Levels, str]]:
    """Read off what `draw_robustness` draws, with what is to be said of it.

    Args:
        cells: As `draw_robustness` takes them.
        names: Likewise.
        metrics: What each metric is called, by its column; shares, which come in percent.
    """
    several = cells["dataset"].nunique() > 1
    for dataset, group in cells.groupby("dataset", sort=False):
        means, families = robustness.table(group, list(metrics)).frame, dict[str, list[str]]()
        for one in dict.fromkeys(group["perturbation"]):
            families.setdefault(family_and_level(one)[0], []).append(one)
        for family, members in families.items():
            kind = known_kind(family)
            # Levels of a kind that does not say which of them does more harm have no order to be drawn in.
            if len(members) < _ENOUGH or kind is None or not kind.harm:
                continue
            harm = {float(family_and_level(one)[1]): family_and_level(one) for one in members}
            steps = [harm[level] for level in sorted(harm, key=kind.harm)]
            # The image as it is comes first, as no harm at all.
            steps = [(_NONE, "")] * (_NONE in families) + steps
            names_of_levels = [level or kind_name for kind_name, level in steps]
            words = f"{kind.description}. Means over test sets, the mildest level on the left."
            for metric, label in metrics.items():
                columns = pd.MultiIndex.from_tuples([(*step, METRICS[metric].label) for step in steps])
                found = means.reindex(index=pd.MultiIndex.from_tuples(names), columns=columns).to_numpy(float)
                if np.isnan(found[:, -len(members) :]).all():
                    continue  # of the image as it is alone there is nothing to compare
                lines = dict(zip(names.values(), found.tolist(), strict=True))
                levels = Levels(f"{family}:{kind.symbol}", names_of_levels, label, lines)
                told = f"{dataset}. {words}" if several else words
                yield levels, told
