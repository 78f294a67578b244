"""A protocol's own table: its metrics over the test sets of each dataset, and then over the datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd

from forenbench.data.protocols import Protocol, protocol_of, protocols
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import percent

from . import marks
from .cell_frame import ROW, TESTSET, Key, as_dicts, framed, grouped, in_order, several
from .means import averaged
from .notes import notes_on
from .table import NothingToShow, Table

_ALL = "over datasets"
_NAN = float("nan")
_NO_PROBABILITIES = "scores are no probabilities"


def over(values: Sequence[float], statistics: Sequence[str]) -> dict[str, float]:
    """Put the numbers of several test sets, or of several datasets, together.

    Args:
        values: One each (n,); NaN where one is undefined or was not run, which makes all undefined.
        statistics: Of `forenbench.data.protocols.STATISTICS`. The deviation is that of a sample (n - 1), and
            undefined for one.
    """
    found = {
        "mean": np.mean(values) if len(values) else _NAN,
        "sd": np.std(values, ddof=1) if len(values) > 1 else _NAN,
        "minimum": np.min(values) if len(values) else _NAN,
    }
    return {name: float(found[name]) for name in statistics}


def table(cells: pd.DataFrame) -> Table:
    """Lay out the metrics that a protocol fixes, by detector and dataset.

    Args:
        cells: As `forenbench.tables.measure` returns them, of one protocol.

    Returns:
        Columns (metric, statistic over the test sets of a dataset), shares in percent; below the datasets of
        a detector the same statistics over their means. A detector that lacks a test set which any has, or a
        value on one, has none there, and none over datasets.

    Raises:
        NothingToShow: The protocol fixes no metrics, or there are several.
    """
    if cells["protocol"].nunique() > 1:  # of a run folder as a whole there may be
        raise NothingToShow(f"cells under several protocols: {', '.join(dict.fromkeys(cells['protocol']))}")
    protocol = protocol_of(str(cells["protocol"].iloc[0]))
    if not protocol.metrics:
        known = ", ".join(one.name for one in protocols().values() if one.metrics)
        raise NothingToShow(
            f"protocol '{protocol.name}' fixes no metrics; of these there is a table: {known}"
        )
    counted = averaged(cells)
    if protocol.of_fakes_alone:
        counted = cells[cells["fakes"] > 0]
    if counted.empty:
        raise NothingToShow(
            f"no test set has what the metrics of protocol '{protocol.name}' need: both labels"
        )
    row, datasets = several(counted, ROW), [dataset for (dataset,) in in_order(counted, ["dataset"])]
    sizes = Counter(dataset for dataset, _ in in_order(counted, TESTSET))
    groups = grouped(as_dicts(counted), [*row, "dataset"])
    rows: list[Key] = []
    columns: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for detector in in_order(counted, row):
        behind = {one: groups.get((*detector, one), []) for one in datasets}
        signs = [marks.together(cell["marks"] for cell in group) for group in behind.values()]
        rows += [(*detector, one) for one in datasets]
        for metric in protocol.metrics:
            each = []
            for one, group in behind.items():
                read = [metric if cell["reals"] else protocol.of_fakes_alone for cell in group]
                values = [percent(name) * cell[name] for name, cell in zip(read, group, strict=True)]
                # A detector that was not run on a hard test set must not look better for it.
                each.append(values if len(group) == sizes[one] else [_NAN])
            told = [over(values, protocol.spread) for values in each]
            if len(datasets) > 1:
                told.append(over([over(values, ["mean"])["mean"] for values in each], protocol.spread))
            for name, (found, sign) in product(
                protocol.spread, zip(told, [*signs, marks.together(signs)], strict=False)
            ):
                columns.setdefault((METRICS[metric].label, name), []).append((found[name], sign))
        rows += [(*detector, _ALL)] if len(datasets) > 1 else []
    frame, marked = framed(columns, rows, [*row, "dataset"], "metric", "over test sets")
    notes = (*_notes(counted, protocol), *notes_on(cells), *marks.remarks(cells))
    title = f"Protocol {protocol.name}: {protocol.description}"
    decimals = 1 if all(METRICS[name].percent for name in protocol.metrics) else 3
    return Table("protocol", title, frame, notes, decimals=decimals, marks=marked)


def _notes(cells: pd.DataFrame, protocol: Protocol) -> Iterator[str]:
    """Say at which threshold was decided, and what stands in for the metrics on fakes alone."""
    if protocol.threshold is not None:
        others = [
            detector
            for detector, why in in_order(cells, ["detector", "no_probabilities"])
            if why.startswith(_NO_PROBABILITIES)
        ]
        names = ", ".join(dict.fromkeys(others))
        but = f"; {names}, whose scores are no probabilities, at the authors' thresholds" if names else ""
        yield f"Decided at {protocol.threshold:g}, as the protocol says{but}."
    alone = [dataset for dataset, reals in in_order(cells, ["dataset", "reals"]) if not reals]
    if alone:
        label = METRICS[protocol.of_fakes_alone].label
        yield f"Fakes alone, and so {label} in place of the metric: {', '.join(dict.fromkeys(alone))}."
    if "sd" in protocol.spread:
        yield "sd: the standard deviation of a sample (n - 1); blank for one test set."
