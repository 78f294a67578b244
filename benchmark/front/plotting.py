"""Figures of runs, as ``bench plot`` and `Results.plot` make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.errors import BenchError, unknown
from forenbench.metrics.metric_values import check_names, percent
from forenbench.records.coverage import APART, MISSING
from forenbench.records.finished import newest
from forenbench.records.store import Store
from forenbench.report import figures, printing
from forenbench.report.chosen import name_detectors, plainest
from forenbench.tables.cell_frame import as_dicts, one_protocol
from forenbench.tables.measured import measure

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("roc", "pr", "robustness", "heat")
_ROBUSTNESS = ("ap",)
_CELL = ("dataset", "testset", "perturbation")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRequest:
    """What is asked of a figure.

    Attributes:
        testset: Only this one; empty: the mean over all.
        perturbation: What curves and heat are of; empty: none where it was run, else the first.
        detectors: Only these, in this order.
        metrics: What robustness is of; by default A.P.
        rename: What detectors and test sets are called.
        wide: Over both columns of a page.
        protocol: Cells run under this one; empty: "all", or the only one there is.
        failed_as: One of `forenbench.records.coverage.FAILED_AS`.
        tampered_as: One of `forenbench.records.coverage.TAMPERED_AS`.
    """

    testset: str = ""
    perturbation: str = ""
    detectors: Sequence[str] = ()
    metrics: Sequence[str] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    wide: bool = False
    protocol: str = ""
    failed_as: str = MISSING
    tampered_as: str = APART


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
    printing.check_file(out)
    check_names(asked.metrics)
    if asked.metrics and kind != "robustness":
        raise BenchError(f"figure '{kind}' is of one metric; metrics are for figure 'robustness'")
    if others := [metric for metric in asked.metrics if percent(metric) == 1]:
        raise BenchError(f"metric '{others[0]}' is no share: figure 'robustness' has an axis in percent")
    counted = {"failed_as": asked.failed_as, "tampered_as": asked.tampered_as}
    cells = one_protocol(measure(stores, **counted), asked.protocol or None)
    cells = _only(cells, "testset", asked.testset)
    if kind != "robustness":
        present = list(dict.fromkeys(cells["perturbation"]))
        cells = _only(cells, "perturbation", asked.perturbation or plainest(present))
    elif asked.perturbation:
        raise BenchError("figure 'robustness' is of all perturbations: leave out the one")
    every = name_detectors(zip(cells["detector"], cells["weights"], strict=True))
    names = figures.only(every, asked.detectors)
    mine = [one in names for one in zip(cells["detector"], cells["weights"], strict=True)]
    cells = cells[mine]
    called = _called(names, asked.rename, cells["testset"] if kind == "heat" else ())
    try:
        return _draw(kind, stores, cells, called, out, asked)
    except OSError as error:
        raise BenchError(f"cannot write '{out}': {error.strerror}") from error


def _draw(  # noqa: PLR0913 - what was chosen, and where it goes
    kind: str,
    stores: Sequence[Store],
    cells: pd.DataFrame,
    called: Mapping[tuple[str, str], str],
    out: Path,
    asked: PlotRequest,
) -> Sequence[str]:
    """Draw what was chosen."""
    if kind == "heat":
        figure, values, signs = figures.heat_figure(cells, str(cells["perturbation"].iloc[0]))
        values.index = [called[key] for key in values.index]
        values.columns = [asked.rename.get(name, name) for name in map(str, values.columns)]
        printing.print_heat(figure, values, signs, out, wide=asked.wide)
        return figure.notes
    if len(called) > printing.MOST:
        raise BenchError(
            f"{len(called)} detectors are more than the {printing.MOST} lines that a figure can tell apart: "
            "choose detectors"
        )
    if kind == "robustness":
        figure = figures.level_figure(cells, called, asked.metrics or _ROBUSTNESS)
    else:
        chosen = {(cell["dataset"], cell["testset"], cell["perturbation"]) for cell in as_dicts(cells, _CELL)}
        scored = [
            one
            for one in newest(stores)
            if (one.dataset, one.testset, one.perturbation) in chosen
            and one.protocol == cells["protocol"].iloc[0]
        ]
        figure = figures.curve_figure(kind, scored, cells, called, asked.failed_as)
    printing.print_lines(figure, out, wide=asked.wide)
    return figure.notes


def _only(cells: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
    """Keep the cells of one test set or perturbation, or all where none is asked for."""
    if wanted and wanted not in set(cells[column]):
        raise BenchError(
            unknown(f"{'test set' if column == 'testset' else column} in these runs", wanted, cells[column])
        )
    return cells[cells[column] == wanted] if wanted else cells


def _called(
    names: Mapping[tuple[str, str], str], rename: Mapping[str, str], others: Iterable[str]
) -> dict[tuple[str, str], str]:
    """Rename detectors; refuse names that are in no figure, and two that would become one."""
    known = {*others, *names.values(), *(detector for detector, _ in names)}
    for old in rename:
        if old not in known:
            raise BenchError(unknown("name in this figure", old, known))
    called = {key: rename.get(name, rename.get(key[0], name)) for key, name in names.items()}
    if twice := [name for name in called.values() if [*called.values()].count(name) > 1]:
        raise BenchError(
            f"two detectors would both be called '{twice[0]}': one name never stands for two things"
        )
    return called
