"""Every cell of a run in a row of its own, with some of its metrics and their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from forenbench.metrics.withheld import why_none

PLACE = ["perturbation", "detector", "weights", "dataset", "testset"]

ACCURACIES = {
    "Acc.": "acc",
    "Real acc.": "real_acc",
    "Fake acc.": "fake_acc",
    "A.P.": "ap",
    "AUROC": "auroc",
}
ERROR_RATES = {
    "EER": "eer",
    "TPR at 1% FPR": "tpr_at_fpr1",
    "TPR at 5% FPR": "tpr_at_fpr5",
    "FPR at 95% TPR": "fpr_at_tpr95",
}
THRESHOLDS = {
    "Acc., author's": "acc",
    "Bal. acc., author's": "bacc",
    "Real acc., author's": "real_acc",
    "Fake acc., author's": "fake_acc",
    "F1, author's": "f1",
    "MCC, author's": "mcc",
    "Acc., fitted": "fitted_acc",
    "Bal. acc., fitted": "fitted_bacc",
    "Real acc., fitted": "fitted_real_acc",
    "Fake acc., fitted": "fitted_fake_acc",
    "Acc., oracle (upper bound)": "oracle_acc",
    "Bal. acc., oracle": "oracle_bacc",
    "Real acc., oracle": "oracle_real_acc",
    "Fake acc., oracle": "oracle_fake_acc",
}
CALIBRATION = {"NLL": "nll", "Brier": "brier", "ECE": "ece", "ECE, equal mass": "ece_mass"}
CALIBRATED = {
    f"{label}, {fit}": f"{fit}_{key}"
    for fit in ("temperature", "platt", "isotonic")
    for label, key in {"NLL": "nll", "ECE": "ece"}.items()
}
_KEYS = ACCURACIES | ERROR_RATES | THRESHOLDS | CALIBRATION | CALIBRATED
_UNSHOWN = "where it is as good or bad as can be, nearly all resamples agree, or one in 20 has no value"
LOWER_IS_BETTER = {"EER", "FPR at 95% TPR", "FPR", *CALIBRATION, *CALIBRATED}
"""Columns in which the lowest value is the best one."""
_BLANK = {
    "MCC": "where all images are called fake, or none",
    "NLL": "where a probability of 0 or 1 is wrong: its loss is infinite",
}
NO_CONTEST = {"reals", "Spread"}
"""Columns that no detector is better in."""


class LaidOut(NamedTuple):
    """Values, and the ends of their intervals (NaN where there is none), in frames of one shape."""

    values: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame


def lay_out(cells: pd.DataFrame, columns: Mapping[str, str], scale: float = 100) -> LaidOut:
    """Put metrics side by side, a row a cell.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        columns: Their keys in `cells`, by what the table calls them.
        scale: What fractions are multiplied with.
    """
    frame = cells.set_index(PLACE)
    pieces = []
    for suffix in ("", "_low", "_high"):
        piece = frame.reindex(columns=[key + suffix for key in columns.values()]).astype(float).mul(scale)
        piece.columns = pd.Index(columns)
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


def blanks(cells: pd.DataFrame, columns: Mapping[str, str]) -> Iterator[str]:
    """Say why values are missing where the labels and the kind of scores would allow them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        columns: As for `lay_out`.
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
        if name in columns and cells.reindex(columns=[columns[name]])[rows].isna().any(axis=None):
            yield f"{name} is blank {_BLANK[name[:3]]}."


def unsure(cells: pd.DataFrame, laid_out: LaidOut) -> Iterator[str]:
    """Say why values have no interval, for columns of one reason together.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        laid_out: Their values.
    """
    reasons: dict[str, dict[str, None]] = {}
    for label in laid_out.values.columns.intersection(list(_KEYS)):
        alone = laid_out.values[label].notna() & laid_out.low[label].isna()
        for cell in cells[alone.to_numpy()].to_dict("records"):
            reasons.setdefault(why_none(_KEYS[label], cell) or _UNSHOWN, {})[label] = None
    for reason, labels in reasons.items():
        yield f"No interval of {' / '.join(labels)} {reason}."
