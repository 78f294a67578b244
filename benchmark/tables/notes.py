"""What a table rests on, in words: coverage, images, precision, weights, and what changed between cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from forenbench.records.coverage import WRONG
from forenbench.records.rows import STATUSES
from forenbench.types import FOREIGN

from .cell_frame import CELL, CELL_AND_CLASS, DETECTOR, TESTSET, as_dicts, in_order

if TYPE_CHECKING:
    import pandas as pd

_FEW_ORIGINS = 30
"""Below that, intervals that draw groups cover too little (Cameron, Gelbach and Miller 2008, for some 30)."""


def left_out(cells: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    """Name the other protocols whose cells a table does not show."""
    others = cells["protocol"].value_counts().drop(chosen["protocol"].unique())
    for protocol, number in others.items():
        yield f"Not shown: {number} cells under protocol {protocol} (--protocol {protocol})."


def notes_on(cells: pd.DataFrame) -> tuple[str, ...]:
    """Word coverage and undefined values, cell by cell where something is lacking, and what made the rows."""
    asked, scored = int(cells["images"].sum()), int(cells["ok"].sum())
    wrong = (cells["failed_as"] == WRONG).any()
    how = "the others count as errors (--failed-as wrong)" if wrong else "metrics use scored images only"
    notes = [f"{len(cells)} cells, {scored} of {asked} images scored; {how}."]
    for cell in as_dicts(cells, [*CELL_AND_CLASS, "images", *STATUSES, "undefined"]):
        images = "/".join(filter(None, [cell["dataset"], cell["testset"], cell["class"]]))
        where = f"{cell['detector']} on {images} ({cell['perturbation']})"
        lost = [f"{cell[status]} {status}" for status in STATUSES if status != "ok" and cell[status]]
        if lost:
            notes.append(f"{where}: {cell['ok']} of {cell['images']} images scored ({', '.join(lost)}).")
        if cell["undefined"]:
            notes.append(f"{where}: {cell['undefined']}.")
    return (*notes, *_changes(cells), *_images(cells), *_models(cells))


def _changes(cells: pd.DataFrame) -> Iterator[str]:
    """Name what changed between cells: a test set's images, a detector's weights or version."""
    digests: dict[str, set[str]] = {}
    models: dict[str, set[tuple[object, ...]]] = {}
    for cell in as_dicts(cells, [*TESTSET, "digest", *DETECTOR, "version", "precision", "checkpoints"]):
        digests.setdefault(f"{cell['dataset']}/{cell['testset']}", set()).add(cell["digest"])
        if cell["weights"] != FOREIGN:  # of imported scores only the file is known
            files = sorted(cell["checkpoints"].items())
            rows = models.setdefault(f"{cell['detector']} ({cell['weights']})", set())
            rows.add((cell["version"], cell["precision"], *files))
    for testset, several in digests.items():
        if len(several) > 1:
            yield f"WARNING: cells of {testset} rest on different images, do not compare them."
    for detector, made in models.items():
        if len(made) > 1:
            yield (
                f"WARNING: cells of {detector} rest on different weights, versions or precisions of it, a "
                "mean over them is of no one detector."
            )


def _images(cells: pd.DataFrame) -> Iterator[str]:
    """Count the real and fake images behind each row, rows that rest on the same counts together."""
    counts: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {}
    for cell in as_dicts(cells, [*CELL, "protocol", "real", "fake"]):
        row = cell["protocol"], f"{cell['detector']} ({cell['weights']})", cell["perturbation"]
        testset = f"{cell['dataset']}/{cell['testset']}"
        behind = counts.setdefault(row, {})
        real, fake = behind.get(testset, (0, 0))  # of a table by class, the classes add up
        behind[testset] = real + cell["real"], fake + cell["fake"]
    order = ["/".join(testset) for testset in in_order(cells, TESTSET)]
    every: dict[str, list[str]] = {}
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for (protocol, detector, perturbation), behind in counts.items():
        text = ", ".join(f"{one} {'/'.join(map(str, behind[one]))}" for one in order if one in behind)
        for detectors in (every, groups.setdefault((protocol, text), {})):
            detectors.setdefault(detector, []).append(perturbation)
    what = "that count" if (cells["failed_as"] == WRONG).any() else "scored"
    for (protocol, text), detectors in groups.items():
        # A detector of which all rows are in this group needs no perturbations beside its name.
        names = ", ".join(
            detector if some == every[detector] else f"{detector} under {', '.join(some)}"
            for detector, some in detectors.items()
        )
        behind_whom = f" behind {names}" if len(groups) > 1 else ""
        yield f"Images {what} (real/fake){behind_whom}, protocol {protocol}: {text}."


def _models(cells: pd.DataFrame) -> Iterator[str]:
    """Name rows of less than full precision, what their runs did otherwise than usual, and checkpoints."""
    reduced: dict[str, dict[str, None]] = {}
    users: dict[str, dict[str, None]] = {}
    remarks: dict[str, None] = {}
    for cell in as_dicts(cells, [*DETECTOR, "precision", "remarks", "checkpoints"]):
        if cell["precision"] != "fp32":
            reduced.setdefault(cell["precision"], {})[cell["detector"]] = None
        remarks |= dict.fromkeys(cell["remarks"])
        files = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in sorted(cell["checkpoints"].items()))
        if files:
            users.setdefault(files, {})[f"{cell['detector']} ({cell['weights']})"] = None
    for precision, detectors in reduced.items():
        yield f"Computed in {precision}: {', '.join(detectors)}."
    yield from (f"While this was made: {remark}." for remark in remarks)
    for files, rows in users.items():
        yield f"Weights of {', '.join(rows)}: {files}."


def drawn_by_origin(cells: pd.DataFrame) -> Iterator[str]:
    """Say where intervals rest on origins in place of images, and where these are few."""
    least: dict[str, int] = {}
    for cell in as_dicts(cells, ["dataset", "origins"]):
        if cell["origins"]:
            least[cell["dataset"]] = min(cell["origins"], least.get(cell["dataset"], cell["origins"]))
    for dataset, origins in least.items():
        few = "; so few still make them too narrow" if origins < _FEW_ORIGINS else ""
        yield (
            f"Intervals on {dataset} draw whole origins (photographs or videos with all their images), "
            f"{origins} at least in each test set{few}."
        )
