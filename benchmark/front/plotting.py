"""Figures of runs, as ``bench plot`` and `Results.plot` make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError, unknown
from forenbench.metrics.metric_values import check_names, percent
from forenbench.records.finished import newest
from forenbench.records.store import Store
from forenbench.report.chosen import name_detectors, plainest
from forenbench.report.paper_figures import Key, curve_figure, heat_figure, level_figure, only
from forenbench.report.printing import MOST, check_file, print_heat, print_lines
from forenbench.tables.cell_frame import in_order, one_protocol
from forenbench.tables.measured import measure

from .arguments import several
from .plot_request import PlotRequest

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("roc", "pr", "robustness", "heat")
_ROBUSTNESS = ("ap",)
_CELL = ("dataset", "testset", "perturbation", "protocol")


def plot(stores: Sequence[Store], kind: str, out: Path, asked: PlotRequest) -> Sequence[str]:
    """Draw a figure into a file.

    Args:
        stores: The runs.
        kind: One of `KINDS`.
        out: The file; its name says what it is to be: PDF, SVG or PNG.
        asked: What is to be on it.

    Returns:
        What a reader must know of it; the file has it, too.

    Raises:
        BenchError: Unknown kind or name, or there is nothing to draw.
    """
    if kind not in KINDS:
        raise BenchError(unknown("kind of figure", kind, KINDS))
    check_file(out)
    check_names(metrics := several(asked.metrics))
    if metrics and kind != "robustness":
        raise BenchError(f"figure '{kind}' is of one metric; metrics are for figure 'robustness'")
    if others := [metric for metric in metrics if percent(metric) == 1]:
        raise BenchError(f"metric '{others[0]}' is no share: figure 'robustness' has an axis in percent")
    measured = measure(stores, failed_as=asked.failed_as, tampered_as=asked.tampered_as)
    cells = one_protocol(measured, asked.protocol or None)
    cells = _only(cells, "testset", asked.testset)
    if kind != "robustness":
        present = list(dict.fromkeys(cells["perturbation"]))
        cells = _only(cells, "perturbation", asked.perturbation or plainest(present))
    elif asked.perturbation:
        raise BenchError("figure 'robustness' is of all perturbations: leave out the one")
    every = name_detectors(zip(cells["detector"], cells["weights"], strict=True))
    names = only(every, several(asked.detectors))
    cells = cells[[one in names for one in zip(cells["detector"], cells["weights"], strict=True)]]
    try:
        if kind == "heat":
            return _heat(cells, names, out, asked)
        return _lines(kind, stores, cells, _renamed(names, asked.rename), out, asked)
    except OSError as error:
        raise BenchError(f"cannot write '{out}': {error.strerror}") from error


def _heat(cells: pd.DataFrame, names: Mapping[Key, str], out: Path, asked: PlotRequest) -> Sequence[str]:
    """Draw detectors by test sets, in the order in which they were asked for."""
    figure, values, signs = heat_figure(cells, str(cells["perturbation"].iloc[0]))
    columns = {(name, ""): name for name in map(str, values.columns)}
    called = _renamed({**names, **columns}, asked.rename)
    rows = list(names)
    values, signs = values.loc[rows], signs.loc[rows]
    values.index = [called[key] for key in rows]
    values.columns = [called[key] for key in columns]
    print_heat(figure, values, signs, out, wide=asked.wide)
    return figure.notes


def _lines(  # noqa: PLR0913 - what was chosen, and where it goes
    kind: str,
    stores: Sequence[Store],
    cells: pd.DataFrame,
    called: Mapping[Key, str],
    out: Path,
    asked: PlotRequest,
) -> Sequence[str]:
    """Draw a line for each detector."""
    if len(called) > MOST:
        raise BenchError(
            f"{len(called)} detectors are more than the {MOST} lines that a figure tells apart: choose some"
        )
    if kind == "robustness":
        figure = level_figure(cells, called, several(asked.metrics) or _ROBUSTNESS)
    else:
        chosen = set(in_order(cells, _CELL))
        scored = [
            one
            for one in newest(stores)
            if (one.dataset, one.testset, one.perturbation, one.protocol) in chosen
        ]
        figure = curve_figure(kind, scored, cells, called, asked.failed_as)
    print_lines(figure, out, wide=asked.wide)
    return figure.notes


def _only(cells: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
    """Keep the cells of one test set or perturbation, or all where none is asked for."""
    if wanted and wanted not in set(cells[column]):
        raise BenchError(
            unknown(f"{'test set' if column == 'testset' else column} in these runs", wanted, cells[column])
        )
    return cells[cells[column] == wanted] if wanted else cells


def _renamed(names: Mapping[Key, str], rename: Mapping[str, str]) -> dict[Key, str]:
    """Rename detectors, and what else has a name in a figure.

    Raises:
        BenchError: A name is not in it, or two would become one.
    """
    known = {name for key, called in names.items() for name in (key[0], called)}
    for old in rename:
        if old not in known:
            raise BenchError(unknown("name in this figure", old, known))
    found = {key: rename.get(called, rename.get(key[0], called)) for key, called in names.items()}
    if twice := [name for name, number in Counter(found.values()).items() if number > 1]:
        raise BenchError(f"two things would be called '{twice[0]}': one name never stands for two things")
    return found
