"""Scores before and after both labels have passed the same re-encoding: which of them rested on the files?

Equalised are images that one codec has written and, where sizes differ, that have one size. What is left of a
difference between labels is then in the pictures, or in traces that re-encoding does not remove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from forenbench.data.inventory import FileFacts
from forenbench.data.reencoding import LIKE_REALS, by_label, is_of_single_files
from forenbench.errors import BenchError
from forenbench.metrics.metric_values import decimals, in_title, labelled, percent
from forenbench.perturbations import parse, parse_all
from forenbench.types import Perturbation

from . import marks
from .cell_frame import DETECTOR, MEAN, TESTSET, Key, as_dicts, framed, in_order, key, several
from .means import averaged
from .notes import notes_on
from .table import NothingToShow, Table

SIZE = "size"
KINDS = ("jpeg", "square")
"""Kinds of perturbation that make files alike; chains of them do, too."""
_SMALL = 64
"""A side of fewer pixels than this is worth a word: no detector is made for it."""

_METRICS = ("acc", "ap", "auroc")
_NOTE = (
    "Drop is raw less equalised. It may come from shortcuts in the files, or from evidence that re-encoding "
    "destroys: a fake's traces suffer, too."
)


def check(texts: Iterable[str]) -> None:
    """Refuse what does not make files alike.

    Args:
        texts: ``size``, perturbations of `KINDS`, or chains of these with ``+``, for all files; or for single
            ones `LIKE_REALS`, or such a perturbation for one label: ``fake=jpeg:96``.

    Raises:
        BenchError: Another kind, or a bad value.
    """
    for text in texts:
        if text == LIKE_REALS:
            continue
        step = by_label(text).by if is_of_single_files(text) else _with_side(text, 1)
        if not _equalises(parse(step).name):
            raise BenchError(
                f"equalise '{text}' does not make files alike: write {SIZE}, "
                f"{', '.join(f'{kind}:N' for kind in KINDS)}, or a chain of them such as {SIZE}+jpeg:96; "
                f"fake=jpeg:96 for one label; {LIKE_REALS}"
            )


def add(
    perturbations: Sequence[Perturbation], texts: Iterable[str], facts: Iterable[FileFacts]
) -> list[Perturbation]:
    """Add to a run's perturbations ``none`` and the equalising ones, each distinct one once.

    ``size`` becomes ``square:N`` with the N of `common_side`.

    Args:
        perturbations: What the run has anyway.
        texts: See `check`.
        facts: Of all files of the run.

    Raises:
        BenchError: A size is asked for, and no file is an image.
    """
    texts = list(texts)
    if not texts:
        return list(perturbations)
    single = [text for text in texts if is_of_single_files(text)]
    alike = [text for text in texts if text not in single]
    side = common_side(facts) if SIZE in "+".join(alike).lower() else 0
    equalising = (_with_side(text, side) for text in alike)
    every = parse_all(["none", *(one.name for one in perturbations), *equalising])
    names: dict[str, None] = {}
    for text in single:  # canonically, so that two spellings of one rule are one
        rule = None if text == LIKE_REALS else by_label(text)
        names[text if rule is None else f"{rule.label}={parse(rule.by).name}"] = None
    # What is done to single files comes first, by a request's `first`; behind it these do nothing.
    return [*every, *(replace(every[0], name=name) for name in names)]


def common_side(facts: Iterable[FileFacts]) -> int:
    """Return seven eighths of the smallest shorter side, rounded down.

    No image is enlarged to that, and none passes without being resampled: one that did would differ from
    the others by just this.

    Raises:
        BenchError: No file is an image.
    """
    smallest = min((min(fact.width, fact.height) for fact in facts if fact.format), default=0)
    if not smallest:
        raise BenchError(f"equalise {SIZE}: no file is an image, so there is no size to choose")
    return max(1, smallest * 7 // 8)


def remarks(perturbations: Iterable[Perturbation], facts: Iterable[FileFacts]) -> Iterator[str]:
    """Say what sizes do to the images of a run: which ones enlarge some, and which leave next to nothing."""
    sides = [min(fact.width, fact.height) for fact in facts if fact.format]
    steps = {step: None for one in perturbations for step in one.name.split("+")}
    for step in steps:
        kind, _, side = step.partition(":")
        if kind != "square":
            continue
        if enlarged := sum(shorter < int(side) for shorter in sides):
            yield f"{step} enlarges {enlarged} of {len(sides)} images, which blurs these and no others"
        elif int(side) < _SMALL:
            yield f"{step} leaves few pixels: the smallest image has a side of {min(sides)}; try square:N"


def table(cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out each detector's metrics on each test set: raw, equalised, and the drop (raw less equalised).

    Args:
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of accuracy, average precision and AUROC.

    Returns:
        Values, shares in percent; rows by equalising perturbation, detector, weights and test set, then their
        mean; NaN where a cell was not run or a metric is undefined.

    Raises:
        NothingToShow: No cell is.
    """
    names = [name for name in dict.fromkeys(cells["perturbation"]) if _equalises(name)]
    if not names:
        raise NothingToShow("no cell is equalised; 'bench run --equalise jpeg:96' makes some")
    testset, heading = several(cells, TESTSET), labelled(*(chosen or _METRICS))
    metrics = heading.values()
    names_of_cells = ["perturbation", *DETECTOR, *testset]
    lines = as_dicts(cells, [*names_of_cells, *metrics, "marks"])
    found = {key(cell, names_of_cells): cell for cell in lines}
    nothing = {"marks": "", **dict.fromkeys(metrics, float("nan"))}
    testsets, averaged_sets = in_order(cells, testset), in_order(averaged(cells), testset)
    rows: dict[Key, list[float]] = {}
    signs: dict[Key, str] = {}
    for name, detector in product(names, in_order(cells, DETECTOR)):
        for where in testsets:
            # A drop needs both: where either was not run, NaN spreads to the difference.
            raw, equalised = (found.get((one, *detector, *where), nothing) for one in ("none", name))
            pairs = [(percent(m) * raw[m], percent(m) * equalised[m]) for m in metrics]
            rows[name, *detector, *where] = [n for one, two in pairs for n in (one, two, one - two)]
            signs[name, *detector, *where] = marks.together([raw["marks"], equalised["marks"]])
        if len(testsets) > 1:
            behind = [(name, *detector, *where) for where in averaged_sets]
            mean = (name, *detector, *MEAN[-len(testset) :])
            rows[mean] = [
                float(np.mean(column)) for column in zip(*(rows[one] for one in behind), strict=True)
            ]
            rows[mean] = rows[mean] or [float("nan")] * 3 * len(metrics)  # no test set has both labels
            signs[mean] = marks.together(signs[one] for one in behind)
    heads = list(product(heading, ["raw", "equalised", "drop"]))
    columns = {head: [(row[at], signs[one]) for one, row in rows.items()] for at, head in enumerate(heads)}
    frame, marked = framed(columns, rows, ["equalised", *DETECTOR, *testset], "metric", "images")
    # The notes are of the cells in this table; a run may have others, under blur say.
    shown = cells[cells["perturbation"].isin(["none", *names])]
    title = "Every image re-encoded the same way: raw, equalised, and the drop"
    title += f": {in_title(chosen)}" if chosen else " (%)"
    notes = (_NOTE, *notes_on(shown), *marks.remarks(shown))
    return Table("equalised", title, frame, notes, decimals(chosen or _METRICS), "drop", marks=marked)


def _equalises(name: str) -> bool:
    """Say whether a canonical name is one of `KINDS`, or a chain of them."""
    return all(step.partition(":")[0] in KINDS for step in name.split("+"))


def _with_side(text: str, side: int) -> str:
    """Write the size chosen for the word that asks for one."""
    steps = (step.strip().lower() for step in text.split("+"))
    return "+".join(f"square:{side}" if step == SIZE else step for step in steps)
