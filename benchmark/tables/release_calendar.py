"""When generators of test sets were released, and the newest ones that detectors were trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from forenbench.data.descriptions import specs
from forenbench.data.release_dates import when

from .cell_frame import DETECTOR, TESTSET, Key, as_dicts, in_order
from .table import NothingToShow

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Calendar:
    """When generators were released, those of test sets and those that detectors were trained on.

    Attributes:
        testsets: By dataset and test set; those that nobody dates are missing.
        trained: The newest that each detector was trained on; None where that is not known.
        undated: Names that detectors state, and that nobody dates: reals, or generators.
    """

    testsets: Mapping[Key, date]
    trained: Mapping[Key, date | None]
    undated: Sequence[str]


def calendar(cells: pd.DataFrame) -> Calendar:
    """Date all that cells rest on (see `forenbench.data.release_dates.when`).

    Raises:
        NothingToShow: No test set of theirs can be dated.
    """
    known = specs()
    said = {name: known[name].released if name in known else {} for name in dict.fromkeys(cells["dataset"])}
    every = {name: day for dates in said.values() for name, day in dates.items()}
    testsets: dict[Key, date] = {
        (dataset, name): day
        for dataset, name in in_order(cells, TESTSET)
        if (day := when(name, said[dataset])) is not None
    }
    if not testsets:
        raise NothingToShow("no test set has a date of release; a description's table [released] gives it")
    stated: dict[Key, dict[str, None]] = {}
    for cell in as_dicts(cells, [*DETECTOR, "trained_on"]):
        # A list may come as one text, with commas (see `contamination.seen_in_training`).
        names = [name.strip() for text in cell["trained_on"] for name in text.split(",")]
        stated.setdefault((cell["detector"], cell["weights"]), {}).update(dict.fromkeys(names))
    dates = {name: when(name, every) for names in stated.values() for name in names}
    trained = {who: max(filter(None, map(dates.get, names)), default=None) for who, names in stated.items()}
    return Calendar(testsets, trained, [name for name, day in dates.items() if day is None])
