"""Scores before and after both labels have passed the same re-encoding: which of them rested on the files?

Equalised are images that one codec has written and, where sizes differ, that have one size. What is left of a
difference between labels is then in the pictures, or in traces that re-encoding does not remove.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import pandas as pd

from forenbench.data.inventory import FileFacts
from forenbench.errors import BenchError
from forenbench.metrics.metric_values import labelled
from forenbench.perturbations import parse, parse_all
from forenbench.types import Perturbation

from . import marks
from .cell_frame import DETECTOR, TESTSET, in_order
from .means import averaged
from .notes import notes_on
from .table import Table

SIZE = "size"
KINDS = ("jpeg", "square")
"""Kinds of perturbation that make files alike; chains of them do, too."""
_SMALL = 64
"""A side of fewer pixels than this is worth a word: no detector is made for it."""

_METRICS = labelled("acc", "ap", "auroc")
_NOTE = (
    "Drop is raw less equalised. It may come from shortcuts in the files, or from evidence that re-encoding "
    "destroys: a fake's traces suffer, too."
)
_MEAN = ("", "Mean")
"""The place of a mean over test sets."""


class NothingEqualised(BenchError):
    """Runs hold no equalised cell."""


def check(texts: Iterable[str]) -> None:
    """Refuse what does not make files alike.

    Args:
        texts: ``size``, perturbations of `KINDS`, or chains of these with ``+``.

    Raises:
        BenchError: Another kind, or a bad value.
    """
    for text in texts:
        if not _equalises(parse(_with_side(text, 1)).name):
            raise BenchError(
                f"--equalise '{text}' does not make files alike: write {SIZE}, "
                f"{', '.join(f'{kind}:N' for kind in KINDS)}, or a chain of them such as {SIZE}+jpeg:96"
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
    side = common_side(facts) if SIZE in "+".join(texts).lower() else 0
    equalising = (_with_side(text, side) for text in texts)
    return parse_all(["none", *(one.name for one in perturbations), *equalising])


def common_side(facts: Iterable[FileFacts]) -> int:
    """Return seven eighths of the smallest shorter side, rounded down.

    No image is enlarged to that, and none passes without being resampled: one that did would differ from
    the others by just this.

    Raises:
        BenchError: No file is an image.
    """
    smallest = min((min(fact.width, fact.height) for fact in facts if fact.format), default=0)
    if not smallest:
        raise BenchError(f"--equalise {SIZE}: no file is an image, so there is no size to choose")
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


def table(cells: pd.DataFrame) -> Table:
    """Lay out each detector's metrics on each test set: raw, equalised, and the drop (raw less equalised).

    Args:
        cells: As `forenbench.tables.measure` returns them.

    Returns:
        Values in percent; rows by equalising perturbation, detector, weights and test set, then their mean;
        NaN where a cell was not run or a metric is undefined.

    Raises:
        NothingEqualised: No cell is.
    """
    names = [name for name in dict.fromkeys(cells["perturbation"]) if _equalises(name)]
    if not names:
        raise NothingEqualised("no cell is equalised; 'bench run --equalise jpeg:96' makes some")
    rows: dict[tuple[str, ...], dict[Hashable, float]] = {}
    for name in names:
        for detector in in_order(cells, DETECTOR):
            rows |= {(name, *detector, *place): row for place, row in _rows(cells, name, detector)}
    frame = pd.DataFrame(
        list(rows.values()),
        index=pd.MultiIndex.from_tuples(rows, names=["equalised", *DETECTOR, *TESTSET]),
        columns=pd.MultiIndex.from_product(
            [_METRICS, ["raw", "equalised", "drop"]], names=["metric", "images"]
        ),
    )
    signs = pd.DataFrame(dict.fromkeys(frame, _signs(cells, frame.index)), frame.index)
    if cells["dataset"].nunique() == 1:
        frame, signs = frame.droplevel("dataset"), signs.droplevel("dataset")
    shown = cells[cells["perturbation"].isin(["none", *names])]
    title = "Every image re-encoded the same way: raw, equalised, and the drop (%)"
    notes = (_NOTE, *notes_on(shown), *marks.remarks(shown))
    return Table("equalised", title, frame, notes, signed="drop", marks=signs)


def _signs(cells: pd.DataFrame, index: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the signs of each row: of both cells behind it, in a mean of all."""
    marked = cells[cells["marks"] != ""]
    every = pd.concat([marked, averaged(marked).assign(dataset=_MEAN[0], testset=_MEAN[1])])
    signs = every.groupby(["perturbation", *DETECTOR, *TESTSET])["marks"].agg("".join).to_dict()
    return [marks.together(signs.get((one, *row), "") for one in ("none", name)) for name, *row in index]


def _rows(
    cells: pd.DataFrame, name: str, detector: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[Hashable, float]]]:
    """Yield a detector's row for each test set, and their mean if all are defined."""
    mine = cells[(cells[DETECTOR] == list(detector)).all(axis=1)]
    places = in_order(cells, TESTSET)
    columns: dict[tuple[str, str], pd.Series[float]] = {}
    for label, metric in _METRICS.items():
        raw, equalised = (
            mine[mine["perturbation"] == one].set_index(TESTSET)[metric].reindex(places) * 100
            for one in ("none", name)
        )
        columns |= {(label, "raw"): raw, (label, "equalised"): equalised, (label, "drop"): raw - equalised}
    frame = pd.DataFrame(columns)
    yield from zip(places, frame.to_dict("records"), strict=True)
    if len(places) > 1:
        with_both = set(in_order(averaged(cells), TESTSET))
        both = [place in with_both for place in places]
        yield _MEAN, frame[both].mean(skipna=False).to_dict()


def _equalises(name: str) -> bool:
    """Say whether a canonical name is one of `KINDS`, or a chain of them."""
    return all(step.partition(":")[0] in KINDS for step in name.split("+"))


def _with_side(text: str, side: int) -> str:
    """Write the size chosen for the word that asks for one."""
    steps = (step.strip().lower() for step in text.split("+"))
    return "+".join(f"square:{side}" if step == SIZE else step for step in steps)
