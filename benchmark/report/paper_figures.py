"""What figures for papers show: lines and grids of numbers, before anything is drawn.

A curve over one test set goes through every threshold, as scikit-learn gives it; one over several is their
mean at fixed rates (see `forenbench.report.curves`), each test set counting once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.errors import BenchError, unknown
from forenbench.metrics.classification import Ranked, why_undefined
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.records.coverage import judged, mark_counted
from forenbench.records.finished import Finished
from forenbench.tables import marks, means
from forenbench.tables.cell_frame import DETECTOR, as_dicts, grouped

from . import curves
from .heat import heat_table
from .levels import levels_of

if TYPE_CHECKING:
    import pandas as pd

Key: TypeAlias = tuple[str, str]
"""A detector's name, and the kind of its weights."""
Array: TypeAlias = NDArray[np.float64]
Images: TypeAlias = tuple[NDArray[np.int64], Array]
"""Labels and scores (n,)."""
CURVES = {
    "roc": ("auroc", "False positive rate", "True positive rate"),
    "pr": ("ap", "Recall", "Precision"),
}
"""The metric that is the area below each, and the names of its axes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One detector's line.

    Attributes:
        name: Of the detector.
        x: Along the axis (n,).
        y: Its values (n,); NaN where there is none.
        value: What its area is, in percent; NaN for a line that has none.
        signs: Of what it rests on (see `forenbench.tables.marks`).
        is_stepped: Between two points it stays at the value of the second, as average precision counts it.
    """

    name: str
    x: Array
    y: Array
    value: float = float("nan")
    signs: str = ""
    is_stepped: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Above it, or nothing.
        x: Name of its axis.
        y: Likewise.
        lines: In the order of the legend.
        ticks: Names along the axis where `Line.x` counts them; else rates, from 0 to 1.
        chance: The line of chance is the diagonal.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    ticks: Sequence[str] = ()
    chance: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """What a figure shows.

    Attributes:
        title: One line.
        panels: Pairs of axes.
        notes: What a reader must know of it.
    """

    title: str
    panels: Sequence[Panel]
    notes: Sequence[str] = field(default=())


def curve_figure(
    kind: str, scored: Sequence[Finished], cells: pd.DataFrame, names: Mapping[Key, str], failed_as: str
) -> Figure:
    """Trace ROC or precision-recall curves, a panel for each dataset.

    Args:
        kind: One of `CURVES`.
        scored: Finished cells of one protocol and perturbation.
        cells: The same, as `forenbench.tables.measure` returns them.
        names: What detectors are called; only these are drawn.
        failed_as: What images without a score count as.

    Raises:
        BenchError: No test set has both labels.
    """
    metric, x, y = CURVES[kind]
    tampered_as, panels, notes = str(cells["tampered_as"].iloc[0]), [], []
    for dataset, group in cells[(cells["reals"] > 0) & (cells["fakes"] > 0)].groupby("dataset", sort=False):
        areas = means.macro(group, DETECTOR, metric)
        found: dict[Key, dict[str, Images]] = {}
        for one in (one for one in scored if one.dataset == dataset and one.detector in names):
            rows = judged(one.store.rows(one.record, ["label", "score", "status"]), tampered_as)
            mark_counted(rows, failed_as, [one.threshold])
            ok = rows[rows["counted"]]
            labels, scores = ok["label"].to_numpy(np.int64), ok["score"].to_numpy(float)
            if not why_undefined(labels):
                found.setdefault(one.detector, {})[one.testset] = (labels, scores)
        testsets = set(group["testset"])
        is_stepped = kind == "pr" and len(testsets) == 1
        lines = [
            Line(names[key], *_curve(kind, [*of.values()]), areas[key][0], areas[key][-1], is_stepped)
            for key, of in found.items()
            if set(of) == testsets  # over other test sets it would look better or worse for what it lacks
        ]
        lacking = [name for key, name in names.items() if set(found.get(key, ())) != testsets]
        if lacking:
            notes.append(f"Not drawn, without a curve on every test set of {dataset}: {', '.join(lacking)}.")
        title = str(dataset) if cells["dataset"].nunique() > 1 else ""
        if lines:
            panels.append(Panel(title, x, y, lines, chance=kind == "roc"))
            over = f"Means over {len(testsets)} test sets, each counting once" if len(testsets) > 1 else ""
            notes += [f"{over} ({', '.join(sorted(testsets))})."] if over else []
    if not panels:
        raise BenchError("there is no curve to draw: no detector has scores of both labels on every test set")
    area = f"In the legend: {METRICS[metric].label} (%), as the tables have it."
    return Figure(f"{y} by {x.lower()}", panels, (area, *notes, *marks.remarks(cells)))


def level_figure(cells: pd.DataFrame, names: Mapping[Key, str], metrics: Sequence[str]) -> Figure:
    """Follow means over test sets along the levels of each kind of perturbation, a panel each.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.
        names: What detectors are called; only these are drawn.
        metrics: Shares.

    Raises:
        BenchError: No kind of perturbation has two levels.
    """
    several, notes, panels = cells["dataset"].nunique() > 1, dict[str, None](), []
    groups = grouped(as_dicts(cells, [*DETECTOR, "marks"]), DETECTOR)
    signs = {key: marks.together(cell["marks"] for cell in group) for key, group in groups.items()}
    for levels, words in levels_of(cells, names, {metric: METRICS[metric].label for metric in metrics}):
        lines = [
            Line(name, np.arange(len(values), dtype=float), np.asarray(values, float), signs=signs[key])
            for (key, name), values in zip(names.items(), levels.means.values(), strict=True)
        ]
        dataset, _, rest = words.partition(". ")
        notes[rest if several else words] = None
        title = dataset if several else ""
        panels.append(Panel(title, levels.kind, f"{levels.metric} (%)", lines, levels.names))
    if not panels:
        raise BenchError(
            "no kind of perturbation was run at two levels or more: 'bench run --perturbations "
            "none,jpeg:90,jpeg:75,jpeg:50' makes some"
        )
    return Figure("Robustness", panels, (*notes, *marks.remarks(cells)))


def heat_figure(cells: pd.DataFrame, perturbation: str) -> tuple[Figure, pd.DataFrame, pd.DataFrame]:
    """Lay out AUROC of detectors (rows) on test sets.

    Returns:
        Title and notes; values in percent; and their signs.
    """
    table = heat_table(cells, perturbation)
    assert table.marks is not None
    return Figure(table.title, (), table.notes), table.frame, table.marks


def only(names: Mapping[Key, str], wanted: Iterable[str]) -> dict[Key, str]:
    """Keep the detectors that are asked for, in that order; all without any.

    Raises:
        BenchError: One is in no run.
    """
    asked = list(dict.fromkeys(wanted))
    known = {name for key, called in names.items() for name in (key[0], called)}
    for one in asked:
        if one not in known:
            raise BenchError(unknown("detector in these runs", one, known))
    if not asked:
        return dict(names)
    return {key: called for one in asked for key, called in names.items() if one in (key[0], called)}


def _curve(kind: str, images: Sequence[Images]) -> tuple[Array, Array]:
    """Return the points of a curve: of one test set all there are, of several their mean."""
    if len(images) == 1:
        ranked = Ranked.of(*images[0])
        fpr, tpr = ranked.curve
        return (fpr, tpr) if kind == "roc" else (tpr, np.append(1.0, ranked.precision))
    # The threshold tells whether scores are probabilities, which matters to no curve drawn here.
    mean = curves.mean([one for some in images if (one := curves.trace(*some, threshold=0.5))])
    if kind == "roc":
        return np.array([0, *curves.RATES]), np.array([0, *mean.tpr])
    return curves.RECALLS, mean.precision
