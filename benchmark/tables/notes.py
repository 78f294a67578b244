"""What a table rests on, in words: coverage, images, precision, weights, and what changed between cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isnan
from typing import TYPE_CHECKING, TypeAlias

from forenbench.data.protocols import protocol_of
from forenbench.metrics.added_metrics import UNDEFINED
from forenbench.records.coverage import APART, LEFT_OUT, WRONG
from forenbench.records.rows import STATUSES
from forenbench.types import FOREIGN

from .cell_frame import CELL, CELL_AND_CLASS, TESTSET, Key, as_dicts, in_order, key

if TYPE_CHECKING:
    import pandas as pd

    from forenbench.metrics.metric import Metric

_FEW_ORIGINS = 30
"""Below that, intervals that draw groups cover too little (Cameron, Gelbach and Miller 2008, for some 30)."""


_Row: TypeAlias = tuple[str, str]
"""A detector and a perturbation."""
_TAMPERED = {APART: "are in no number but their own", LEFT_OUT: "are left out (--tampered-as drop)"}


def left_out(cells: pd.DataFrame, chosen: pd.DataFrame) -> Iterator[str]:
    """Name the other protocols whose cells a table does not show."""
    others = cells["protocol"].value_counts().drop(chosen["protocol"].unique())
    for protocol, number in others.items():
        yield f"Not shown: {number} cells under protocol {protocol} (--protocol {protocol})."


def notes_on(cells: pd.DataFrame) -> tuple[str, ...]:
    """Word coverage and undefined values, with the cells where something is lacking, and what made rows."""
    asked, scored = int(cells["images"].sum()), int(cells["ok"].sum())
    wrong = (cells["failed_as"] == WRONG).any()
    how = "the others count as errors (--failed-as wrong)" if wrong else "metrics use scored images only"
    notes = [f"{len(cells)} cells, {scored} of {asked} images scored; {how}."]
    notes += of_lacking(cells)
    lenders: dict[str, list[str]] = {}
    for dataset, lender in in_order(cells, ["dataset", "lender"]):
        lenders.setdefault(lender, []).append(dataset)
    borrowed = [f"The reals of {', '.join(names)} are those of {of}." for of, names in lenders.items() if of]
    warnings, models = _made_by(cells)
    # What a protocol does to files, what of it is not done here, and who states it.
    protocols = (
        f"Protocol {selection}: {'; '.join(words)}."
        for selection in dict.fromkeys(cells["protocol"])
        if (words := protocol_of(selection).words)
    )
    return (*notes, *borrowed, *warnings, *_images(cells), *of_tampered(cells), *protocols, *models)


def of_lacking(cells: pd.DataFrame) -> Iterator[str]:
    """Say where images have no score, and where metrics have no value; what is the same is said once."""
    every: dict[str, set[_Row]] = {}
    lost: dict[tuple[str, str], list[_Row]] = {}
    undefined: dict[str, dict[str, list[_Row]]] = {}
    for cell in as_dicts(cells, [*CELL_AND_CLASS, "images", *STATUSES, "undefined"]):
        images = "/".join(filter(None, [cell["dataset"], cell["testset"], cell["class"]]))
        row = cell["detector"], cell["perturbation"]
        every.setdefault(images, set()).add(row)
        statuses = [f"{cell[status]} {status}" for status in STATUSES if status != "ok" and cell[status]]
        if statuses:
            told = f"{cell['ok']} of {cell['images']} ({', '.join(statuses)})"
            lost.setdefault((images, told), []).append(row)
        if cell["undefined"]:
            undefined.setdefault(cell["undefined"], {}).setdefault(images, []).append(row)
    if lost:
        named = "; ".join(f"{on} {told} by {_rows(some, every[on])}" for (on, told), some in lost.items())
        yield f"Not all images were scored: {named}."
    for reason, places in undefined.items():
        alike: dict[str, list[str]] = {}
        for on, some in places.items():
            alike.setdefault(_rows(some, every[on]), []).append(on)
        named = "; ".join(f"{', '.join(those)} by {rows}" for rows, those in alike.items())
        yield f"Blank, for there are {reason}: {named}."


def _rows(some: Iterable[_Row], every: set[_Row]) -> str:
    """Name detectors with their perturbations, those of equal ones together; or all that there are."""
    if every == set(some):
        return "all"
    by_detector: dict[str, dict[str, None]] = {}
    for detector, perturbation in some:
        by_detector.setdefault(detector, {})[perturbation] = None
    alike: dict[str, list[str]] = {}
    for detector, perturbations in by_detector.items():
        alike.setdefault(", ".join(perturbations), []).append(detector)
    return " and by ".join(f"{', '.join(names)} ({under})" for under, names in alike.items())


def _images(cells: pd.DataFrame) -> Iterator[str]:
    """Count the real and fake images behind each row, rows that rest on the same counts together."""
    counts: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {}
    for cell in as_dicts(cells, [*CELL, "protocol", "real", "fake"]):
        row = cell["protocol"], f"{cell['detector']} ({cell['weights']})", cell["perturbation"]
        testset = f"{cell['dataset']}/{cell['testset']}"
        behind = counts.setdefault(row, {})
        real, fake = behind.get(testset, (0, 0))  # of a table by class, the classes add up
        behind[testset] = real + cell["real"], fake + cell["fake"]
    # Test sets stand in the order of the table's columns, whichever of them a detector was run on first.
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
        rows = (n if some == every[n] else f"{n} under {', '.join(some)}" for n, some in detectors.items())
        behind_whom = f" behind {', '.join(rows)}" if len(groups) > 1 else ""
        yield f"Images {what} (real/fake){behind_whom}, protocol {protocol}: {text}."


def _made_by(cells: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Name what changed between cells, as warnings, and which precision and checkpoints made the rows."""
    digests: dict[str, set[str]] = {}
    versions: dict[str, set[Key]] = {}
    reduced: dict[str, dict[str, None]] = {}
    users: dict[str, dict[str, None]] = {}
    remarks: dict[str, None] = {}
    for cell in as_dicts(cells, [*CELL, "digest", "version", "precision", "remarks", "checkpoints"]):
        detector, files = f"{cell['detector']} ({cell['weights']})", sorted(cell["checkpoints"].items())
        digests.setdefault(f"{cell['dataset']}/{cell['testset']}", set()).add(cell["digest"])
        if cell["weights"] != FOREIGN:  # of imported scores only the file is known
            version = cell["version"], cell["precision"], *files
            versions.setdefault(detector, set()).add(version)
        if cell["precision"] != "fp32":
            reduced.setdefault(cell["precision"], {})[cell["detector"]] = None
        remarks |= dict.fromkeys(cell["remarks"])
        if files:
            told = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in files)
            users.setdefault(told, {})[detector] = None
    # A test set may have been changed, or a detector updated, between two runs that share a folder.
    warnings = []
    if changed := [testset for testset, several in digests.items() if len(several) > 1]:
        warnings.append(
            f"WARNING: cells of {', '.join(changed)} rest on different images, do not compare them."
        )
    if updated := [detector for detector, several in versions.items() if len(several) > 1]:
        warnings.append(
            f"WARNING: cells of {', '.join(updated)} rest on different weights, versions or precisions of "
            "it, a mean over them is of no one detector."
        )
    models = [f"Computed in {precision}: {', '.join(some)}." for precision, some in reduced.items()]
    models += (f"While this was made: {remark}." for remark in remarks)
    models += (f"Weights of {', '.join(rows)}: {files}." for files, rows in users.items())
    return warnings, models


def of_tampered(cells: pd.DataFrame) -> Iterator[str]:
    """Say what tampered images count as, if there are any."""
    if "tampered" not in cells:  # a table by class has none
        return
    found: dict[str, dict[str, str]] = {}
    for cell in as_dicts(cells, [*TESTSET, "tampered", "tampered_ok", "tampered_as"]):
        if cell["tampered"]:
            lost = cell["tampered"] - cell["tampered_ok"]
            told = f"{cell['tampered']}{f', {lost} of them without a score' * bool(lost)}"
            found.setdefault(cell["tampered_as"], {})["/".join(key(cell, TESTSET))] = told
    for counted, testsets in found.items():
        numbers = ", ".join(f"{name} {told}" for name, told in testsets.items())
        what = _TAMPERED.get(counted, f"count as {counted} (--tampered-as {counted})")
        yield f"Tampered images ({numbers}) {what}."


def of_added(cells: pd.DataFrame, metrics: Iterable[Metric]) -> Iterator[str]:
    """Say where and why metrics of packages and files have no value, or no interval."""
    for row in metrics:
        if not row.origin:
            continue
        found: dict[tuple[str, str], int] = {}
        for cell in as_dicts(cells, ["metric_problems", "undefined", row.name]):
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
    least: dict[str, int] = {}
    for cell in as_dicts(cells, ["dataset", "origins"]):
        if cell["origins"]:
            least[cell["dataset"]] = min(cell["origins"], least.get(cell["dataset"], cell["origins"]))
    for dataset, origins in least.items():
        # Whole origins are drawn because their images are alike; then it is their number that counts.
        few = "; so few still make them too narrow" if origins < _FEW_ORIGINS else ""
        yield (
            f"Intervals on {dataset} draw whole origins (photographs or videos with all their images), "
            f"{origins} at least in each test set{few}."
        )
