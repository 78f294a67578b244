"""How detectors hold up over time: means over the generators that were released in a year, or a quarter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import product

import pandas as pd

from forenbench.metrics.metric_values import decimals, in_title, labelled

from . import marks
from .cell_frame import ROW, TESTSET, Key, framed, in_order, several
from .means import NO_MEAN, Entry, averaged, macro
from .notes import notes_on
from .release_calendar import Calendar, calendar
from .table import Table

_METRICS = ("acc", "auroc")
_SIGNS = (
    f"{marks.AFTER} all generators of that time came after the newest one that the detector states it was "
    f"trained on; {marks.BOTH} some did; {marks.UNDATED} not known; without a sign none did."
)


def year(day: date) -> str:
    """Name the year of a date."""
    return str(day.year)


def quarter(day: date) -> str:
    """Name the quarter of a date: ``2022-Q4``."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def table(name: str, period: Callable[[date], str], cells: pd.DataFrame, chosen: Sequence[str] = ()) -> Table:
    """Lay out means over the test sets of each time, shares in percent.

    Args:
        name: Of the table.
        period: Names the time that a date is in; texts in the order of time.
        cells: As `forenbench.tables.measure` returns them.
        chosen: Metrics in place of accuracy and AUROC.

    Returns:
        Detectors by (time, metric). A test set of one label is in no mean, and a detector that lacks one of a
        time which any has gets no mean there.

    Raises:
        NothingToShow: No test set can be dated.
    """
    dated = calendar(cells)
    periods: dict[str, list[Key]] = {}
    for where in sorted(dated.testsets, key=lambda where: (dated.testsets[where], where)):
        periods.setdefault(period(dated.testsets[where]), []).append(where)
    row = several(cells, ROW)
    rows = in_order(cells, row)
    trained = {one: dated.trained[one[row.index("detector")], one[row.index("weights")]] for one in rows}
    columns: dict[tuple[str, str], list[Entry]] = {}
    for (time, testsets), (label, metric) in product(
        periods.items(), labelled(*(chosen or _METRICS)).items()
    ):
        means = macro(_of(cells, testsets), row, metric)
        columns[time, label] = []
        for one in rows:
            value, low, high, signs = means.get(one, NO_MEAN)
            if (newest := trained[one]) is None:
                since = marks.UNDATED
            else:
                later = [dated.testsets[where] > newest for where in testsets]
                since = marks.AFTER if all(later) else marks.BOTH if any(later) else ""
            columns[time, label].append((value, low, high, signs + since))
    frame, lows, highs, marked = framed(columns, rows, row, "released", "metric")
    shown = _of(cells, dated.testsets)
    blank = "Blank: a detector that lacks a test set of that time which any has, or a value on one."
    lacks = [blank] if frame.isna().to_numpy().any() else []
    notes = (*_remarks(cells, dated, periods), *lacks, *notes_on(shown), *marks.remarks(shown))
    what = in_title(chosen) if chosen else "accuracy and AUROC (%)"
    title = f"Mean {what} over generators, by the time of their release"
    made = Table(name, title, frame, notes, decimals(chosen or _METRICS))
    return replace(made, low=lows, high=highs, marks=marked, crowded=True)


def _of(cells: pd.DataFrame, testsets: Collection[Key]) -> pd.DataFrame:
    """Keep the cells of some test sets."""
    return cells[[where in testsets for where in zip(*(cells[name] for name in TESTSET), strict=True)]]


def _remarks(cells: pd.DataFrame, dated: Calendar, periods: Mapping[str, Sequence[Key]]) -> Iterator[str]:
    """Say which generators stand for which time, what is not dated, and up to when detectors were trained."""
    yield _SIGNS
    both = set(in_order(averaged(cells), TESTSET))
    for time, testsets in periods.items():
        said = {where: "" if where in both else ", of one label: in no mean" for where in testsets}
        listed = (f"{'/'.join(where)} ({dated.testsets[where]}{why})" for where, why in said.items())
        yield f"Released in {time}: {', '.join(listed)}."
    if lacking := ["/".join(where) for where in in_order(cells, TESTSET) if where not in dated.testsets]:
        yield f"In no column, nobody dates their release: {', '.join(lacking)}."
    trained = [f"{detector} ({weights}) {day}" for (detector, weights), day in dated.trained.items() if day]
    if trained:
        yield f"The newest generator that was trained on: {', '.join(trained)}."
    unknown = [f"{detector} ({weights})" for (detector, weights), day in dated.trained.items() if not day]
    if unknown:
        yield f"No generator that these state to be trained on can be dated: {', '.join(unknown)}."
    if dated.undated:
        yield f"Trained on as well, and not dated (reals, or generators): {', '.join(dated.undated)}."


by_year = partial(table, "timeline", year)
by_quarter = partial(table, "timeline-quarters", quarter)
