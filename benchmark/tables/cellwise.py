"""Every cell of a run in a row of its own, with some of its metrics and their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from forenbench.metrics.metric import Metric
from forenbench.metrics.metric_values import why_none

PLACE = ["perturbation", "detector", "weights", "dataset", "testset"]

_UNSHOWN = "where it is as good or bad as can be, nearly all resamples agree, or one in 20 has no value"
_BLANK = {
    "MCC": "where all images are called fake, or none",
    "NLL": "where a probability of 0 or 1 is wrong: its loss is infinite",
}


class LaidOut(NamedTuple):
    """Values, and the ends of their intervals (NaN where there is none), in frames of one shape."""

    values: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame


def lay_out(cells: pd.DataFrame, metrics: Mapping[str, Metric]) -> LaidOut:
    """Put metrics side by side, a row a cell, shares in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        metrics: By what the table calls them.
    """
    frame = cells.set_index(PLACE)
    scales = [100.0 if metric.percent else 1.0 for metric in metrics.values()]
    pieces = []
    for suffix in ("", "_low", "_high"):
        names = [metric.name + suffix for metric in metrics.values()]
        piece = frame.reindex(columns=names).astype(float).mul(scales)
        piece.columns = pd.Index(metrics)
        pieces.append(piece)
    return LaidOut(*pieces)


def counted(cells: pd.DataFrame, laid_out: LaidOut) -> LaidOut:
    """Put the numbers of scored and of all images before the metrics."""
    counts = cells.set_index(PLACE)[["ok", "images"]]
    blank = pd.DataFrame(float("nan"), counts.index, counts.columns)
    before = LaidOut(counts, blank, blank)
    return LaidOut(*(pd.concat(pair, axis=1) for pair in zip(before, laid_out, strict=True)))


def present(laid_out: LaidOut, names: Iterable[str]) -> LaidOut:
    """Leave out the given columns where no cell has a value: nothing was fitted, say."""
    empty = [name for name in names if laid_out.values[name].isna().all()]
    return LaidOut(*(frame.drop(columns=empty) for frame in laid_out))


def blanks(cells: pd.DataFrame, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say why values are missing where the labels and the kind of scores would allow them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        metrics: As for `lay_out`.
    """
    fitted = cells.reindex(columns=["fitted_threshold"])["fitted_threshold"].notna()
    lacking = cells.loc[~fitted, ["detector", "weights"]].drop_duplicates()
    if len(lacking):
        whose = ", ".join(f"{detector} ({kind})" for detector, kind in lacking.itertuples(index=False))
        some = f" for {whose}" if fitted.any() else ""
        yield f"Nothing was fitted{some}: 'bench calibrate --on RUN' does it."
    scored = (cells["no_probabilities"] == "") & (cells["ok"] > 0)
    could_be = {"MCC, author's": cells["undefined"] == "", "NLL": scored, "NLL, isotonic": scored & fitted}
    for name, rows in could_be.items():
        if name in metrics and cells.reindex(columns=[metrics[name].name])[rows].isna().any(axis=None):
            yield f"{name} is blank {_BLANK[name[:3]]}."


def unsure(cells: pd.DataFrame, laid_out: LaidOut, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """Say why values have no interval, for columns of one reason together.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        laid_out: Their values.
        metrics: As for `lay_out`.
    """
    reasons: dict[str, dict[str, None]] = {}
    for label in laid_out.values.columns.intersection(list(metrics)):
        alone = laid_out.values[label].notna() & laid_out.low[label].isna()
        for cell in cells[alone.to_numpy()].to_dict("records"):
            reasons.setdefault(why_none(metrics[label].name, cell) or _UNSHOWN, {})[label] = None
    for reason, labels in reasons.items():
        yield f"No interval of {' / '.join(labels)} {reason}."
