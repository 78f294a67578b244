"""The executable contracts of perturbations, sources, tables, metrics and engines that others add."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from forenbench.data.sources.locations import open_location
from forenbench.errors import BenchError, unknown
from forenbench.images import decode
from forenbench.metrics.added_metrics import UNDEFINED
from forenbench.metrics.file_metrics import add_file
from forenbench.metrics.metric_catalogue import ADDED
from forenbench.perturbations import draw_generator, parse
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import split_request
from forenbench.tables.makers import REGISTRY
from forenbench.tables.measured import measure
from forenbench.tables.rendering import STYLES, render
from forenbench.tables.table_kinds import find_kind
from forenbench.types import Perturbation

from .tiny import SIZES, CheckResult, tiny_image
from .tiny_runs import tiny_run

_SEED, _SHA256, _SHOWN = 0, "0" * 64, 20


def check_perturbation(request: str) -> Iterator[CheckResult]:
    """Run the contract of a perturbation, as on the command line: ``./mine.py:8``."""
    with _check("it is found, under a name that stands for it alone") as found:
        name = parse(request).name
        if not name.isprintable() or parse(request).name != name:
            found.problem = f"it is called {name!r}"
    yield found
    with _check("every size of image gives an RGB image") as found:
        for seed in range(len(SIZES)):
            _perturbed(parse(request), seed)  # the harness itself refuses what is no RGB image
    yield found
    with _check("the same image and draw give the same pixels") as found:
        # Read twice: a kind that draws with other random numbers than its draw would pass with one made once.
        first, second = (np.asarray(_perturbed(parse(request), 0)) for _ in range(2))
        if not np.array_equal(first, second):
            found.problem = "other pixels the second time: draw with the draw alone"
    yield found
    with _check("another process does the same") as found:
        # Pickled and read again, as on the way to a reader; a process of its own would cost a second a check.
        there = _perturbed(pickle.loads(pickle.dumps(parse(request))), 0)
        if not np.array_equal(np.asarray(there), np.asarray(_perturbed(parse(request), 0))):
            found.problem = "other pixels"
    yield found


def check_source(request: str) -> Iterator[CheckResult]:
    """Run the contract of a source on a place that it opens: ``./mine.py:PLACE`` or, of a package, PLACE."""
    location = Path(request)
    with _check("it opens the place, and lists images with labels") as found:
        # Names may mislead: a folder or archive that forenbench opens by itself says nothing of the source.
        _, findings = open_location(location)
        if not any(note.startswith("opened by ") for note in findings.notes):
            found.problem = "no package opens it, but forenbench itself"
    yield found
    with _check(f"the first {_SHOWN} images can be read") as found:
        source, findings = open_location(location)
        for sample in findings.samples[:_SHOWN]:
            decode(source.read(sample.path))
    yield found
    with _check("an image is the same each time, and in another process") as found:
        source, findings = open_location(location)
        copy = pickle.loads(pickle.dumps(source))
        for sample in findings.samples[:_SHOWN]:
            # Rows name the sha256 of what was scored; images that are decoded anew each time have none.
            if not source.read(sample.path) == source.read(sample.path) == copy.read(sample.path):
                found.problem = f"'{sample.path}' has other bytes the second time"
                break
    yield found
    with _check("whether the place has changed can be seen") as found:
        source, findings = open_location(location)
        # Without a mark the inventory would be made anew with every run, or never.
        stamps = source.stamps([sample.path for sample in findings.samples])
        if not all(stamp.mark for stamp in stamps.values()):
            found.problem = "the place cannot be looked at"
    yield found


def check_table(request: str) -> Iterator[CheckResult]:
    """Run the contract of a table: ``./mine.py`` or a name."""
    with tempfile.TemporaryDirectory() as folder:
        cells = measure([tiny_run(Path(folder))])
    with _check("it is found") as found:
        find_kind(request, REGISTRY)
    yield found
    # A single cell, for groupings and levels that work for several often fail for one.
    for of, given in (
        ("several detectors, test sets and perturbations", cells),
        ("a single cell", cells[:1]),
    ):
        with _check(f"it can be made of {of}") as found:
            table = find_kind(request, REGISTRY).make(given.copy())
            for style in STYLES:
                render(table, style)
            if not len(table.frame):
                found.problem = "it has no line"
        yield found
    with _check("the cells are left untouched") as found:
        given = cells.copy(deep=True)
        find_kind(request, REGISTRY).make(given)
        if not given.equals(cells):
            found.problem = "it changes the cells that it is given"
    yield found


def check_metric(request: str) -> Iterator[CheckResult]:
    """Run the contract of a metric on a tiny run: ``./mine.py`` or, of a package, its name."""
    name = request
    with _check("it can be put into the catalogue") as found:
        if split_request(request)[0]:
            name = add_file(request).name
        else:
            added = {one.entry.name: one for one in ADDED}
            if name not in added:
                raise BenchError(unknown("metric of packages", name, added))
            found.problem = added[name].problem
    yield found
    if found.problem:
        return
    with _check("every cell has a value within its bounds, or none, and an interval or a reason") as found:
        with tempfile.TemporaryDirectory() as folder:
            cells = measure([tiny_run(Path(folder))])
        # What one raises is caught where it is asked, so that tables go on without it.
        reasons = [problems.get(name, UNDEFINED) for problems in cells["metric_problems"]]
        found.problem = next((problem for problem in reasons if problem != UNDEFINED), "")
    yield found


def check_engine(name: str) -> Iterator[CheckResult]:
    """Run the contract of an engine that a package adds."""
    with _check("its rows are those of the local engine") as found:
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = tiny_run(Path(folder)), tiny_run(Path(folder), name)
            expected = {str(record.cell): ours.rows(record) for record in ours.records()}
            rows = {str(record.cell): theirs.rows(record) for record in theirs.records()}
        # To the last digit: a tolerance would hide an engine that batches by itself.
        unlike = [cell for cell, own in expected.items() if cell in rows and not own.equals(rows[cell])]
        if expected.keys() != rows.keys():
            found.problem = f"{len(rows)} of {len(expected)} cells are there"
        elif unlike:
            found.problem = f"other rows in {unlike[0]}"
    yield found


CONTRACTS: Mapping[str, Callable[[str], Iterator[CheckResult]]] = {
    "perturbation": check_perturbation,
    "source": check_source,
    "table": check_table,
    "engine": check_engine,
    "metric": check_metric,
}
"""By what is checked."""


@contextmanager
def _check(name: str) -> Iterator[CheckResult]:
    """Run one check inside; what it raises is its problem, and the next check goes on."""
    found = CheckResult(name)
    try:
        with contained():
            yield found
    except Exception as error:
        found.problem = reason(error)


def _perturbed(perturbation: Perturbation, seed: int) -> Image.Image:
    """Perturb the image of one size."""
    image = tiny_image(seed, *SIZES[seed])
    return perturbation.apply(image, draw_generator(_SEED, perturbation.name, _SHA256))
