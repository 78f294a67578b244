"""Why images have no score: reasons with how often and one path, or every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forenbench.records.finished import newest
from forenbench.records.store import Store

if TYPE_CHECKING:
    import pandas as pd

WHERE = ["detector", "weights", "dataset", "testset", "perturbation"]


def failures(stores: Sequence[Store], *, every: bool = False) -> pd.DataFrame:
    """Read the rows without a score of finished cells; see `forenbench.front.results.Results.errors`."""
    import pandas as pd

    found = [pd.DataFrame(columns=[*WHERE, "path", "status", "error"])]
    for one in newest(stores):
        if one.record.counts.lost:
            rows = one.store.rows(one.record, ["path", "status", "error"])
            cell = dict(zip(WHERE, one.record.key, strict=True))
            found.append(rows[rows["status"] != "ok"].assign(**cell)[list(found[0])])
    rows = pd.concat(found[1:] or found, ignore_index=True)
    if every:
        return rows
    columns = ["images", "detector", "weights", "status", "error", "path"]
    if not len(rows):  # of no rows pandas makes no count
        return pd.DataFrame(columns=columns)
    groups = rows.groupby(["detector", "weights", "status", "error"], sort=False)
    counted = groups["path"].agg(images="size", path="first").reset_index()
    return counted.sort_values("images", ascending=False, kind="stable", ignore_index=True)[columns]
