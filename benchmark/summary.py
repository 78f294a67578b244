"""Each detector over all its test sets: means in two ways, and the generator it does worst on."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

ROW = ["perturbation", "detector", "weights"]


def lay_out(cells: pd.DataFrame) -> pd.DataFrame:
    """Sum up rows of one detector, in percent.

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Columns: test sets and scored images; accuracy and AP averaged over test sets (macro); accuracy over
        all images (micro: large test sets count more, and reals that several share count for each); the
        lowest AP, and where. Means of a detector that lacks a test set which any cell has are NaN.
    """
    wanted = len(cells[["dataset", "testset"]].drop_duplicates())
    groups = cells.groupby(ROW, sort=False)
    frame = pd.DataFrame({key: _sum_up(group, wanted) for key, group in groups}).T
    frame.index.names = ROW
    return frame.astype({"test sets": int, "images": int})


def _sum_up(group: pd.DataFrame, wanted: int) -> dict[Hashable, object]:
    complete = len(group) == wanted
    whole = complete and bool(group["ap"].notna().all())
    lowest = group.sort_values("ap", kind="stable").iloc[0]
    micro = (group["acc"] * group["ok"]).sum() / group["ok"].sum() if complete and group["ok"].sum() else None
    return {
        "test sets": len(group),
        "images": group["ok"].sum(),
        "Acc., macro": _percent(group["acc"].mean(skipna=False) if complete else None),
        "Acc., micro": _percent(micro),
        "A.P., macro": _percent(group["ap"].mean() if whole else None),
        "A.P., worst": _percent(lowest["ap"] if whole else None),
        "worst on": lowest["testset"] if whole else "",
    }


def _percent(value: float | None) -> float:
    return float("nan") if value is None else 100 * float(value)
