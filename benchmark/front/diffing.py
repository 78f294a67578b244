"""How two runs differ, cell by cell: in what made them, and in their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forenbench.records.record import Record
from forenbench.records.store import Store

from .arguments import PathName
from .run_folders import find_run

if TYPE_CHECKING:
    import pandas as pd

_KEY = ("detector", "weights", "dataset", "testset", "perturbation")


def diff_runs(first: PathName, second: PathName) -> pd.DataFrame:
    """Compare two runs cell by cell, as ``bench runs diff`` does.

    Args:
        first: A run folder, or its name below ``results/runs``.
        second: Another one.

    Returns:
        A row a cell of either: ``detector``, ``weights``, ``dataset``, ``testset``, ``perturbation``,
        ``differs`` (empty where rows are the same bit for bit; "only in first", "only in second", or which
        fields of the identity differ, and "rows" where any row does), ``images`` (in both), ``scores`` (how
        many of these have another score or status), ``largest`` (difference of two scores; NaN without any).

    Raises:
        BenchError: One is no run folder, or damaged.
    """
    import pandas as pd

    stores = (Store(find_run(run)) for run in (first, second))
    ours, theirs = ({record.key: (store, record) for record in store.records()} for store in stores)
    lines = []
    for key in dict.fromkeys((*ours, *theirs)):
        line: dict[str, object] = {**dict(zip(_KEY, key, strict=True)), "images": 0, "scores": 0}
        lines.append(line)
        if key not in ours or key not in theirs:
            line["differs"] = f"only in {'first' if key in ours else 'second'}"
            continue
        (store, record), (other_store, other) = ours[key], theirs[key]
        made, other_made = record.identity.to_json(), other.identity.to_json()
        fields = [name for name in {**made, **other_made} if made.get(name) != other_made.get(name)]
        if record.rows_sha256 is not None and record.rows_sha256 == other.rows_sha256:
            line["images"] = record.counts.images
        else:
            fields.append("rows")
            line |= _Rows(store, record).beside(_Rows(other_store, other))
        line["differs"] = ", ".join(fields)
    return pd.DataFrame(lines, columns=[*_KEY, "differs", "images", "scores", "largest"])


class _Rows:
    """The scores of a cell by image."""

    def __init__(self, store: Store, record: Record) -> None:
        rows = store.rows(record, ["path", "label", "score", "status"])
        # Of a path that stands there twice, the first is compared with the first.
        rows["time"] = rows.groupby(["path", "label"]).cumcount()
        self.frame = rows.set_index(["path", "label", "time"])

    def beside(self, other: _Rows) -> dict[str, object]:
        """Count the images of both, those that were scored otherwise, and find the largest difference."""
        both = self.frame.merge(other.frame, left_index=True, right_index=True, suffixes=("", "_other"))
        ours, theirs = both["score"].astype("float64"), both["score_other"].astype("float64")
        alike = (both["status"] == both["status_other"]) & ((ours == theirs) | (ours.isna() & theirs.isna()))
        return {
            "images": len(both),
            "scores": int((~alike).sum()),
            "largest": float((ours - theirs).abs().max()),
        }
