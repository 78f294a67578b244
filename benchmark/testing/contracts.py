"""The executable contracts of perturbations, sources, tables, metrics and engines that others add."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from forenbench.data.sources.locations import open_location
from forenbench.errors import BenchError, unknown
from forenbench.images import decode
from forenbench.metrics.metric_catalogue import ADDED, METRICS
from forenbench.perturbations import draw_generator, parse
from forenbench.registry.guests import contained, reason
from forenbench.tables.makers import REGISTRY
from forenbench.tables.measured import measure
from forenbench.tables.rendering import render
from forenbench.tables.table_kinds import find_kind

from .tiny import SIZES, CheckResult, tiny_image
from .tiny_runs import tiny_run

_SEED, _SHA256, _SHOWN = 0, "0" * 64, 20


def check_perturbation(request: str) -> Iterator[CheckResult]:
    """Run the contract of a perturbation, as on the command line: ``./mine.py:8``."""
    return _run(
        {
            "it is found, under a name that stands for it alone": lambda: _name(request),
            "every size of image gives an RGB image": lambda: _any_size(request),
            "the same image and draw give the same pixels": lambda: _repeats(request),
            "another process does the same": lambda: _travels(request),
        }
    )


def check_source(request: str) -> Iterator[CheckResult]:
    """Run the contract of a source on a place that it opens: ``./mine.py:PLACE`` or, of a package, PLACE."""
    place = Path(request)
    return _run(
        {
            "it opens the place, and lists images with labels": lambda: _listed(place),
            f"the first {_SHOWN} images can be read": lambda: _readable(place),
            "an image is the same each time, and in another process": lambda: _read_again(place),
            "whether the place has changed can be seen": lambda: _stamped(place),
        }
    )


def check_table(request: str) -> Iterator[CheckResult]:
    """Run the contract of a table: ``./mine.py`` or a name."""
    with tempfile.TemporaryDirectory() as folder:
        cells = measure([tiny_run(Path(folder))])
    return _run(
        {
            "it is found": lambda: find_kind(request, REGISTRY).name and "",
            "it can be made of several detectors, test sets and perturbations": lambda: _made(request, cells),
            "it can be made of a single cell": lambda: _made(request, cells.iloc[:1]),
            "the cells are left untouched": lambda: _untouched(request, cells),
        }
    )


def check_metric(name: str) -> Iterator[CheckResult]:
    """Run the contract of a metric that a package adds, on a tiny run."""
    return _run(
        {
            "it is in the catalogue": lambda: _in_catalogue(name),
            "every cell has a value within its bounds, or none": lambda: _within_bounds(name),
        }
    )


def check_engine(name: str) -> Iterator[CheckResult]:
    """Run the contract of an engine that a package adds."""
    return _run({"its rows are those of the local engine": lambda: _same_rows(name)})


CONTRACTS: Mapping[str, Callable[[str], Iterator[CheckResult]]] = {
    "perturbation": check_perturbation,
    "source": check_source,
    "table": check_table,
    "engine": check_engine,
    "metric": check_metric,
}
"""By what is checked."""


def _run(checks: Mapping[str, Callable[[], str]]) -> Iterator[CheckResult]:
    """Run checks in order; what one raises is its problem."""
    for name, check in checks.items():
        try:
            with contained():
                problem = check()
        except Exception as error:
            problem = reason(error)
        yield CheckResult(name, problem)


def _name(request: str) -> str:
    name = parse(request).name
    return "" if name.isprintable() and parse(request).name == name else f"it is called {name!r}"


def _perturbed(request: str, seed: int) -> Image.Image:
    """Perturb the image of one size; the harness itself refuses what is no RGB image."""
    perturbation, image = parse(request), tiny_image(seed, *SIZES[seed])
    return perturbation.apply(image, draw_generator(_SEED, perturbation.name, _SHA256))


def _any_size(request: str) -> str:
    for seed in range(len(SIZES)):
        _perturbed(request, seed)
    return ""


def _repeats(request: str) -> str:
    first, second = (np.asarray(_perturbed(request, 0)) for _ in range(2))
    return "" if np.array_equal(first, second) else "other pixels the second time: draw with the draw alone"


def _travels(request: str) -> str:
    perturbation = parse(request)
    copy = pickle.loads(pickle.dumps(perturbation))
    there = copy.apply(tiny_image(0, *SIZES[0]), draw_generator(_SEED, perturbation.name, _SHA256))
    return "" if np.array_equal(np.asarray(there), np.asarray(_perturbed(request, 0))) else "other pixels"


def _listed(place: Path) -> str:
    _, findings = open_location(place)
    opened = [note for note in findings.notes if note.startswith("opened by ")]
    return "" if opened else "no package opens it, but forenbench itself"


def _readable(place: Path) -> str:
    source, findings = open_location(place)
    for sample in findings.samples[:_SHOWN]:
        decode(source.read(sample.path))
    return ""


def _read_again(place: Path) -> str:
    source, findings = open_location(place)
    copy = pickle.loads(pickle.dumps(source))
    for sample in findings.samples[:_SHOWN]:
        if not source.read(sample.path) == source.read(sample.path) == copy.read(sample.path):
            return f"'{sample.path}' has other bytes the second time"
    return ""


def _stamped(place: Path) -> str:
    source, findings = open_location(place)
    stamps = source.stamps([sample.path for sample in findings.samples])
    return "" if all(stamp.mark for stamp in stamps.values()) else "the place cannot be looked at"


def _made(request: str, cells: pd.DataFrame) -> str:
    table = find_kind(request, REGISTRY).make(cells.copy())
    for style in ("text", "csv", "markdown", "latex"):
        render(table, style)
    return "" if len(table.frame) else "it has no line"


def _untouched(request: str, cells: pd.DataFrame) -> str:
    kind, given = find_kind(request, REGISTRY), cells.copy(deep=True)
    kind.make(given)
    return "" if given.equals(cells) else "it changes the cells that it is given"


def _in_catalogue(name: str) -> str:
    found = {one.entry.name: one for one in ADDED}
    if name not in found:
        raise BenchError(unknown("metric of packages", name, found))
    return found[name].problem


def _within_bounds(name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        cells = measure([tiny_run(Path(folder))])
    low, high = METRICS[name].bounds
    values = cells[[one for one in (name, f"{name}_low", f"{name}_high") if one in cells]].to_numpy(float)
    outside = values[(values < low) | (values > high)]
    return f"{outside[0]} is not from {low} to {high}" if len(outside) else ""


def _same_rows(name: str) -> str:
    """Compare run folders cell by cell, to the last digit."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = tiny_run(Path(folder)), tiny_run(Path(folder), name)
        expected = {str(record.cell): ours.rows(record) for record in ours.records()}
        found = {str(record.cell): theirs.rows(record) for record in theirs.records()}
    if expected.keys() != found.keys():
        return f"{len(found)} of {len(expected)} cells are there"
    unlike = [cell for cell, rows in expected.items() if not rows.equals(found[cell])]
    return f"other rows in {unlike[0]}" if unlike else ""
