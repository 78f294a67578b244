"""What is required of a run: how low, or how high, a metric may be, in each cell or in each mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, TypeAlias

from forenbench.errors import BenchError, unknown
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.rounding import ROUNDING
from forenbench.printable import printable
from forenbench.types import Cell

from .cell_frame import ROW, TESTSET, as_dicts, grouped, key
from .means import with_interval

if TYPE_CHECKING:
    import pandas as pd

Limits: TypeAlias = Mapping[str, float] | Sequence[str]
"""By metric (``ap``, or ``mean:ap`` of means over test sets), or as METRIC=VALUE."""
MEAN = "mean:"
"""Before a metric that is required of means over test sets, not of each cell."""
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Requirement:
    """How low, or how high, a metric may be.

    Attributes:
        metric: Its column.
        value: The limit, in the metric's own unit: a fraction, mostly.
        is_least: The metric may be no lower; else it may be no higher.
        of_means: Each detector's mean over test sets is meant, under each perturbation; else each cell is.
    """

    metric: str
    value: float
    is_least: bool
    of_means: bool = False

    @property
    def name(self) -> str:
        """The metric as it was asked for."""
        return f"{MEAN * self.of_means}{self.metric}"

    def __str__(self) -> str:
        return f"{self.name} {'>=' if self.is_least else '<='} {self.value:g}"

    def is_met(self, value: float) -> bool:
        """Say whether a value is good enough; one that is undefined never is."""
        return value >= self.value - ROUNDING if self.is_least else value <= self.value + ROUNDING


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A number that is not as good as was required, or not there.

    Attributes:
        requirement: What was required.
        where: The cell, or whose mean it is, in words.
        value: NaN where there is none.
        low: The end of its interval; NaN where it has none.
        high: The other end.
        reason: Why there is no value.
    """

    requirement: Requirement
    where: str
    value: float = _NAN
    low: float = _NAN
    high: float = _NAN
    reason: str = ""

    def __str__(self) -> str:
        if isnan(self.value):
            found = f"no value, for {self.reason}"
        else:
            ends = "no interval" if isnan(self.low) else f"[{self.low:.6g}, {self.high:.6g}]"
            found = f"{self.value:.6g} {ends}"
        return f"{printable(self.where)}: {found}; required: {self.requirement}"


class RequirementMissed(BenchError):
    """A number of a run is not as good as was required, or not there; all rows and tables are.

    Attributes:
        shortfalls: Each such number.
    """

    exit_status = 3

    def __init__(self, shortfalls: Sequence[Shortfall], checked: int) -> None:
        named = "".join(f"\n  {one}" for one in shortfalls)
        super().__init__(f"{len(shortfalls)} of {checked} numbers are not as good as required:{named}")
        self.shortfalls = tuple(shortfalls)


def parse_requirements(at_least: Limits, at_most: Limits = ()) -> list[Requirement]:
    """Read what metrics may be.

    Args:
        at_least: The lowest value of metrics of which higher is better.
        at_most: The highest value of the others.

    Raises:
        BenchError: A metric is unknown, its better values lie on the other side, or its limit is outside of
            its range.
    """
    found = []
    for limits, is_least in ((at_least, True), (at_most, False)):
        if isinstance(limits, Mapping):
            found += [_parsed(name, value, is_least) for name, value in limits.items()]
            continue
        for text in limits:
            name, equals, value = text.partition("=")
            if not equals:
                raise BenchError(f"requirement '{text}' is not METRIC=VALUE, such as ap=0.9 or mean:ap=0.9")
            found.append(_parsed(name.strip(), value, is_least))
    return found


def check(
    cells: pd.DataFrame, requirements: Sequence[Requirement], asked: Sequence[Cell] | None = None
) -> int:
    """Compare the metrics of cells with what is required of them.

    Args:
        cells: As `forenbench.tables.measure` returns them.
        requirements: See `parse_requirements`.
        asked: The cells that are meant, one that is missing among them; None: all.

    Returns:
        How many numbers were compared.

    Raises:
        RequirementMissed: One is not as good as required, or has no value.
    """
    lines, missing = as_dicts(cells), list[Cell]()
    if asked is not None:
        names = ("detector", "dataset", "testset", "perturbation")
        found, lines = grouped(lines, names), []
        for cell in asked:
            own = found.get(tuple(getattr(cell, name) for name in names), [])
            # A cell says whose weights it has only where files made it; its line always does.
            its = [line for line in own if cell.weights in ("", line["weights"])]
            lines += its
            missing += [] if its else [cell]
    checked, missed = 0, list[Shortfall]()
    for one in requirements:
        numbers = list(_numbers(lines, one))
        numbers += [Shortfall(one, str(cell), reason="the cell is not done") for cell in missing]
        checked += len(numbers)
        missed += [number for number in numbers if not one.is_met(number.value)]
    if missed:
        raise RequirementMissed(missed, checked)
    return checked


def _parsed(name: str, text: float | str, is_least: bool) -> Requirement:
    """Make one requirement; `text` is its limit."""
    column = name.removeprefix(MEAN)
    if column not in METRICS:
        raise BenchError(unknown("metric", column, METRICS))
    metric = METRICS[column]
    if metric.lower_is_better == is_least:
        better, way_out = ("lower", "above (--fail-above; in Python fail_above, at_most)")
        if not is_least:
            better, way_out = ("higher", "below (--fail-below; in Python fail_below, at_least)")
        raise BenchError(f"of metric '{column}' {better} values are better: it fails {way_out} a limit")
    low, high = metric.bounds
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = _NAN
    if not low <= value <= high:
        hint = f": {value / 100:g} is {value:g} %" if metric.percent and 1 < value <= 100 else ""
        raise BenchError(
            f"'{text}' is no value of metric '{column}', which lies in {low:g} to {high:g}{hint}"
        )
    return Requirement(column, value, is_least, name.startswith(MEAN))


def _numbers(lines: Sequence[dict[str, Any]], one: Requirement) -> Iterator[Shortfall]:
    """List a metric's values, cell by cell, or its means over test sets with both labels, row by row."""
    if one.of_means:
        rows = grouped(lines, ROW).items()
        both = {row: [line for line in group if line["reals"] and line["fakes"]] for row, group in rows}
        wanted = len({key(line, TESTSET) for group in both.values() for line in group})
        for (perturbation, detector, weights), group in both.items():
            value, low, high = with_interval(group, wanted, one.metric, METRICS[one.metric].bounds)
            where = f"mean of {detector} ({weights}) over test sets ({perturbation})"
            why = "a test set has no value, or none has both labels"
            yield Shortfall(one, where, value, low, high, why)
        return
    for line in lines:
        where = f"{line['detector']} ({line['weights']}) on {'/'.join(key(line, TESTSET))}"
        value, low, high = (line.get(f"{one.metric}{end}", _NAN) for end in ("", "_low", "_high"))
        why = line["undefined"] or line["metric_problems"].get(one.metric) or line["no_probabilities"]
        yield Shortfall(
            one, f"{where} ({line['perturbation']})", value, low, high, why or "it is undefined there"
        )
