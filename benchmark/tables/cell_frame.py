"""The frame that all tables are made of: one row a cell, its columns, and the keys that tell rows apart.

Beside `COLUMNS` it has a column for each metric (float64, NaN where it is undefined; see
`forenbench.metrics.metric_catalogue`), and ``<metric>_low`` and ``<metric>_high`` where any cell has an
interval of it. Metrics are fractions, not percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from forenbench.errors import BenchError

Key: TypeAlias = tuple[Any, ...]
"""Values of some columns."""

DETECTOR = ["detector", "weights"]
"""What competes."""
TESTSET = ["dataset", "testset"]
"""What means are over."""
ROW = ["perturbation", *DETECTOR]
"""What most tables have a row for: a detector under a perturbation."""
CELL = [*ROW, *TESTSET]
"""What tables of cells have a row for."""
MEAN = ("", "Mean")
"""What stands for dataset and test set where a number is a mean over test sets."""
CONTEST = ["dataset", "protocol", "perturbation"]
"""Within what detectors are ranked."""
CELL_AND_CLASS = ["detector", "dataset", "testset", "perturbation", "class"]
"""What names the images behind one number, and who scored them; the class is empty for a whole test set."""

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
    "images": ("int64", "all of both labels, scored or not"),
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
    "tampered_as": ("str", "what tampered images count as: apart, fake, real or drop"),
    "replicates": ("object", "the replicates of kept metrics (replicates,), by metric; a dict"),
    "seen": ("bool", "the detector was trained on such images, as it says"),
    "known": ("object", "the names by which it says so; a list"),
    "trained_on": ("object", "what its weights have seen, as it says; a list"),
    "lender": ("str", "the dataset that its reals are of, where they are another one's; else empty"),
    "unstated": ("bool", "nobody says what its weights have seen"),
    "marks": ("str", "the signs of its numbers (see `forenbench.tables.marks`)"),
}
"""The type of each column, and what it holds."""
WHOLE: Mapping[str, tuple[str, str]] = {
    "same_reals": ("str", "digest of the paths of its reals: test sets that share these have the same"),
    "tampered": ("int64", "tampered images, scored or not"),
    "tampered_ok": ("int64", "tampered images with a score"),
    "tampered_acc": ("float64", "the share of tampered images that is called fake; NaN if there is none"),
    "tampered_acc_low": ("float64", "the end of its interval"),
    "tampered_acc_high": ("float64", "the other end"),
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
        raise BenchError(f"cells under several protocols: choose the protocol, one of {', '.join(present)}")
    # Under "all" nothing is left out: where it was run, it is what a reader expects without asking.
    wanted = wanted or ("all" if "all" in present else present[0])
    if wanted not in present:
        raise BenchError(f"no cell was run under protocol '{wanted}'; there is {', '.join(present)}")
    return cells[cells["protocol"] == wanted]


def as_dicts(cells: pd.DataFrame, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return each cell as a dict of plain Python values, of some columns or of all.

    Tables look at a cell as a whole and at most at some hundred of them. For that pandas is slow: selecting
    rows from a frame of 60 columns takes about a millisecond, however few they are, and `DataFrame.to_dict`
    asks each value for its type.
    """
    names = list(map(str, cells if columns is None else columns))
    rows = zip(*(cells[name].tolist() for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def key(cell: Mapping[Any, Any], columns: Iterable[str]) -> tuple[Any, ...]:
    """Return a cell's values in some columns, by which it is told from others."""
    return tuple(cell[name] for name in columns)


def grouped(cells: Iterable[dict[str, Any]], columns: Iterable[str]) -> dict[Key, list[dict[str, Any]]]:
    """Put cells of equal values in some columns together, by these values, in the order of appearance."""
    names, found = list(columns), dict[Key, list[dict[str, Any]]]()
    for cell in cells:
        found.setdefault(key(cell, names), []).append(cell)
    return found


def framed(
    columns: Mapping[Any, Sequence[Key]], rows: Iterable[Key], names: Sequence[str], *heads: str
) -> list[pd.DataFrame]:
    """Make frames of one shape: one of what comes first in each entry, one of what comes second, and so on.

    Args:
        columns: An entry for each row, such as a value and its signs, by the name of a column, or by its
            names at several levels.
        rows: The names of each row.
        names: What the levels of names of rows are called.
        heads: What those of columns are called.
    """
    index = pd.MultiIndex.from_tuples(rows, names=list(names))
    each = {name: list(zip(*entries, strict=True)) for name, entries in columns.items()}
    frames = []
    for at in range(len(next(iter(each.values())))):
        frame = pd.DataFrame({name: list(several[at]) for name, several in each.items()}, index)
        if heads:
            frame.columns.names = heads
        frames.append(frame)
    return frames


def labels_of(levels: Sequence[Any], names: Sequence[Any]) -> pd.Index[Any]:
    """Make the labels of rows or columns; of a single level a plain index.

    Args:
        levels: The labels of each, a sequence or an index.
        names: What the levels are called.
    """
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(list(levels), names=list(names))
    plain: pd.Index[Any] = pd.Index(levels[0], name=names[0])
    return plain


def in_order(cells: pd.DataFrame, columns: Iterable[str]) -> list[tuple[str, ...]]:
    """List the distinct combinations of columns in the order of their first appearance."""
    return list(dict.fromkeys(zip(*(cells[name].tolist() for name in columns), strict=True)))


def several(cells: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """Leave out the perturbation and the dataset where all cells have the same: no row need repeat it."""
    return [name for name in columns if name not in ("perturbation", "dataset") or cells[name].nunique() > 1]
