"""What a table rests on, in words: coverage, images, precision, weights, and what changed between cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from typing import TYPE_CHECKING, NamedTuple

from forenbench.metrics.added_metrics import UNDEFINED
from forenbench.records.coverage import WRONG
from forenbench.records.rows import STATUSES
from forenbench.types import FOREIGN

from .cell_frame import DETECTOR, PLACE, TESTSET, in_order

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.metrics.metric import Metric

_FEW_ORIGINS = 30
"""Below that, intervals that draw groups cover too little (Cameron, Gelbach and Miller 2008, for some 30)."""


class _Row(NamedTuple):
    """A row of a table."""

    detector: str
    perturbation: str


def left_out(cells: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    """Name the other protocols whose cells a table does not show."""
    others = cells["protocol"].value_counts().drop(chosen["protocol"].unique())
    for protocol, number in others.items():
        yield f"Not shown: {number} cells under protocol {protocol} (--protocol {protocol})."


def notes_on(cells: pd.DataFrame) -> tuple[str, ...]:
    """Word coverage and undefined values, cell by cell where something is not whole."""
    asked, scored = int(cells["images"].sum()), int(cells["ok"].sum())
    wrong = (cells["failed_as"] == WRONG).any()
    how = "the others count as errors (--failed-as wrong)" if wrong else "metrics use scored images only"
    notes = [f"{len(cells)} cells, {scored} of {asked} images scored; {how}."]
    for cell in cells[[*PLACE, "images", *STATUSES, "undefined"]].to_dict("records"):
        place = "/".join(filter(None, [cell["dataset"], cell["testset"], cell["class"]]))
        where = f"{cell['detector']} on {place} ({cell['perturbation']})"
        lost = [f"{cell[status]} {status}" for status in STATUSES if status != "ok" and cell[status]]
        if lost:
            notes.append(f"{where}: {cell['ok']} of {cell['images']} images scored ({', '.join(lost)}).")
        if cell["undefined"]:
            notes.append(f"{where}: {cell['undefined']}.")
    return (*notes, *_mixed(cells), *_images(cells), *_numerics(cells), *_checkpoints(cells))


def _mixed(cells: pd.DataFrame) -> Iterator[str]:
    """Name what changed between cells: a test set's images, a detector's weights or version."""
    for (dataset, testset), group in cells.groupby(TESTSET, sort=False):
        if group["digest"].nunique() > 1:
            yield f"WARNING: cells of {dataset}/{testset} rest on different images, do not compare them."
    run_here = cells[cells["weights"] != FOREIGN]  # of imported scores only the file is known
    for (detector, kind), group in run_here.groupby(DETECTOR, sort=False):
        models = zip(group["version"], group["precision"], group["checkpoints"], strict=True)
        if len({(version, precision, *sorted(files.items())) for version, precision, files in models}) > 1:
            yield (
                f"WARNING: cells of {detector} ({kind}) rest on different weights, versions or precisions of "
                f"it, a mean over them is of no one detector."
            )


def _images(cells: pd.DataFrame) -> Iterator[str]:
    """Count the real and fake images behind each row, rows that rest on the same counts together."""
    counts: dict[tuple[str, _Row], dict[str, tuple[int, int]]] = {}
    for cell in cells[[*PLACE, "weights", "protocol", "real", "fake"]].to_dict("records"):
        row = _Row(f"{cell['detector']} ({cell['weights']})", cell["perturbation"])
        places = counts.setdefault((cell["protocol"], row), {})
        place = f"{cell['dataset']}/{cell['testset']}"
        real, fake = places.get(place, (0, 0))
        places[place] = real + cell["real"], fake + cell["fake"]
    order = ["/".join(place) for place in in_order(cells, TESTSET)]
    rows: dict[tuple[str, str], list[_Row]] = {}
    for (protocol, row), places in counts.items():
        text = ", ".join(f"{place} {'/'.join(map(str, places[place]))}" for place in order if place in places)
        rows.setdefault((protocol, text), []).append(row)
    every = [row for _, row in counts]
    wrong = (cells["failed_as"] == WRONG).any()
    for (protocol, text), some in rows.items():
        whose = f" behind {', '.join(_name(some, every))}" if len(rows) > 1 else ""
        yield f"Images {'that count' if wrong else 'scored'} (real/fake){whose}, protocol {protocol}: {text}."


def _name(some: Sequence[_Row], every: Sequence[_Row]) -> Iterator[str]:
    """Name rows: a detector of which all are among them by its name alone, else with perturbations."""
    whole, here = (
        {detector: [row.perturbation for row in rows if row.detector == detector] for detector, _ in rows}
        for rows in (every, some)
    )
    for detector, perturbations in here.items():
        yield detector if perturbations == whole[detector] else f"{detector} under {', '.join(perturbations)}"


def of_added(cells: pd.DataFrame, metrics: Iterable[Metric]) -> Iterator[str]:
    """Say where and why metrics of packages and files have no value, or no interval."""
    for row in metrics:
        if not row.origin:
            continue
        found: dict[tuple[str, str], int] = {}
        for cell in cells[["metric_problems", "undefined", row.name]].to_dict("records"):
            problem = cell["metric_problems"].get(row.name)
            # Without one of the labels many metrics are undefined, and another note says so.
            if problem and not (problem == UNDEFINED and cell["undefined"]):
                lacking = "no value" if isnan(cell[row.name]) else "no interval"
                found[lacking, problem] = found.get((lacking, problem), 0) + 1
        for (lacking, problem), number in found.items():
            yield (
                f"Metric '{row.name}' of {row.origin} has {lacking} in {number} of {len(cells)} cells: "
                f"{problem}."
            )


def drawn_by_origin(cells: pd.DataFrame) -> Iterator[str]:
    """Say where intervals rest on origins in place of images, and where these are few."""
    for dataset, group in cells[cells["origins"] > 0].groupby("dataset", sort=False):
        least = int(group["origins"].min())
        few = "; so few still make them too narrow" if least < _FEW_ORIGINS else ""
        yield (
            f"Intervals on {dataset} draw whole origins (photographs or videos with all their images), "
            f"{least} at least in each test set{few}."
        )


def _checkpoints(cells: pd.DataFrame) -> Iterator[str]:
    """Name the weights files behind the rows, detectors with the same ones together."""
    users: dict[str, list[str]] = {}
    for cell in cells[[*DETECTOR, "checkpoints"]].to_dict("records"):
        files = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in sorted(cell["checkpoints"].items()))
        row = f"{cell['detector']} ({cell['weights']})"
        if files and row not in users.setdefault(files, []):
            users[files].append(row)
    for files, rows in users.items():
        yield f"Weights of {', '.join(rows)}: {files}."


def _numerics(cells: pd.DataFrame) -> Iterator[str]:
    """Name rows of less than full precision, and what their runs had to do otherwise than usual."""
    for precision, group in cells[cells["precision"] != "fp32"].groupby("precision", sort=False):
        yield f"Computed in {precision}: {', '.join(group['detector'].unique())}."
    remarks = dict.fromkeys(remark for several in cells["remarks"] for remark in several)
    yield from (f"While this was made: {remark}." for remark in remarks)
