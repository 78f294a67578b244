"""The frame that all tables are made of: one row a cell, its columns, and the keys that tell rows apart.

Beside `COLUMNS` it has a column for each metric (float64, NaN where it is undefined; see
`forenbench.metrics.metric_catalogue`), and ``<metric>_low`` and ``<metric>_high`` where any cell has an
interval of it. Metrics are fractions, not percent.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from forenbench.errors import BenchError

DETECTOR = ["detector", "weights"]
"""What competes."""
TESTSET = ["dataset", "testset"]
"""What means are over."""
ROW = ["perturbation", *DETECTOR]
"""What most tables have a row for: a detector under a perturbation."""
CELL = [*ROW, *TESTSET]
"""What tables of cells have a row for."""
CONTEST = ["dataset", "protocol", "perturbation"]
"""Within what detectors are ranked."""
PLACE = ["detector", "dataset", "testset", "perturbation", "class"]
"""What names the images behind one number, and who scored them; the last is empty for a whole test set."""

COLUMNS: Mapping[str, tuple[str, str]] = {
    "dataset": ("str", "what the test set belongs to"),
    "detector": ("str", "its name"),
    "perturbation": ("str", "what was done to the images; its canonical name"),
    "testset": ("str", "the generator, mostly"),
    "weights": ("str", "whose checkpoints: published, sample, own, unverified; foreign for imported scores"),
    "protocol": ("str", "the rule by which images count"),
    "checkpoints": ("object", "sha256 by the name of each checkpoint; a dict"),
    "digest": ("str", "of the test set's images"),
    "version": ("str", "of the detector"),
    "precision": ("str", "fp32, tf32 or bf16"),
    "remarks": ("object", "what a reader must know of how rows were made; a list of texts"),
    "time": ("str", "when it was finished"),
    "images": ("int64", "all, scored or not"),
    "ok": ("int64", "images with a score"),
    "unreadable": ("int64", "images that could not be read"),
    "failed": ("int64", "images that the detector failed on"),
    "nonfinite": ("int64", "images whose score is not finite"),
    "reals": ("int64", "real images, scored or not"),
    "fakes": ("int64", "fake images, scored or not"),
    "real": ("int64", "real images that count"),
    "fake": ("int64", "fake images that count"),
    "unscored": ("str", "which images have no score (see `forenbench.records.coverage.pack`)"),
    "oracle_threshold": ("float64", "the best one for these very images; NaN where a label is missing"),
    "undefined": ("str", "why metrics of both labels are NaN; empty if they are not"),
    "no_probabilities": ("str", "why metrics of probabilities are NaN; empty if they are not"),
    "metric_problems": ("object", "why added metrics have no value, or no interval, by metric; a dict"),
    "class": ("str", "of the images; empty for all of them"),
    "mark": ("str", "differs where anything that the row rests on does"),
    "failed_as": ("str", "what images without a score count as: missing or wrong"),
    "replicates": ("object", "the replicates of kept metrics (replicates,), by metric; a dict"),
    "seen": ("bool", "the detector was trained on such images, as it says"),
    "known": ("object", "the names by which it says so; a list"),
    "unstated": ("bool", "nobody says what its weights have seen"),
    "marks": ("str", "the signs of its numbers (see `forenbench.tables.marks`)"),
}
"""The type of each column, and what it holds."""
WHOLE: Mapping[str, tuple[str, str]] = {
    "origins": ("int64", "how many origins intervals draw; 0: they draw images"),
    "sources": (
        "object",
        "by source of reals: their number real, real_acc, and auroc of all fakes; a dict",
    ),
}
"""Of whole cells alone, not of their classes. With fits there is ``fitted_threshold`` (float64), too."""


def one_protocol(cells: pd.DataFrame, wanted: str | None = None) -> pd.DataFrame:
    """Keep the cells of one protocol, so that no table mixes them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        wanted: A protocol; without it "all" where that was run, else the only one.

    Raises:
        BenchError: Nothing was run under it, or several protocols and none of them "all".
    """
    present = list(dict.fromkeys(cells["protocol"]))
    if wanted is None and "all" not in present and len(present) > 1:
        raise BenchError(f"cells under several protocols: choose one with --protocol {'|'.join(present)}")
    wanted = wanted or ("all" if "all" in present else present[0])
    if wanted not in present:
        raise BenchError(f"no cell was run under protocol '{wanted}'; there is {', '.join(present)}")
    return cells[cells["protocol"] == wanted]


def in_order(cells: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    """List the distinct combinations of columns in the order of their first appearance."""
    return [tuple(row) for row in cells[columns].drop_duplicates().itertuples(index=False)]


def drop_single(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the perturbation and dataset levels of a table where there is only one."""
    for level in ("perturbation", "dataset"):
        if level in frame.index.names and frame.index.get_level_values(level).nunique() == 1:
            frame = frame.droplevel(level)
    if "dataset" in frame.columns.names:
        datasets = {value for value in frame.columns.get_level_values("dataset") if value}
        return frame.droplevel("dataset", axis=1) if len(datasets) == 1 else frame
    return frame
