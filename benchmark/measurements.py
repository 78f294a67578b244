"""The metrics of stored cells, remembered beside them: a finished run's tables read no row again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import metrics
from .atomic import write_text
from .store import STATUSES, Store
from .types import FAKE, REAL

if TYPE_CHECKING:
    import pandas as pd

Line = dict[str, Any]
"""One class of a cell, or all of it: its counts of images and its metrics, by column."""

_FILE = "measured.json"


@dataclass(slots=True)
class Measurements:
    """What the rows of one run say, each cell measured once.

    A cell is measured again if its record, its file of rows or the code that measures has changed. In a run
    folder that cannot be written nothing is remembered, and all is measured each time.

    Attributes:
        store: The run.
        by_class: Take each class of a cell's images (its reals and its fakes) for itself.
    """

    store: Store
    by_class: bool
    _known: dict[str, tuple[str, list[Line]]] = field(init=False)
    _changed: bool = False

    def __post_init__(self) -> None:
        self._known = {}
        with suppress(OSError, ValueError):
            self._known = json.loads(self._file.read_text(encoding="utf-8"))

    def of(self, record: Mapping[str, Any]) -> list[Line]:
        """Return a finished cell's lines; ``class`` is empty unless `by_class`."""
        key = json.dumps([*record["cell"].values(), self.by_class])
        made_from = json.dumps([_code(), record, self.store.stamp(record)], sort_keys=True)
        mark = hashlib.sha256(made_from.encode()).hexdigest()
        if key not in self._known or self._known[key][0] != mark:
            self._known[key] = mark, list(self._measure(record))
            self._changed = True
        return self._known[key][1]

    def save(self) -> None:
        """Keep what was measured for the next time."""
        if self._changed:
            with suppress(OSError):
                write_text(self._file, json.dumps(self._known))

    @property
    def _file(self) -> Path:
        return self.store.root / _FILE

    def _measure(self, record: Mapping[str, Any]) -> Iterator[Line]:
        """Read a cell's rows and compute their metrics."""
        rows = self.store.rows(record, ["class", "label", "score", "status"])
        for name, part in rows.groupby("class", sort=False) if self.by_class else [("", rows)]:
            yield {"class": name, **_measure_rows(part, record["identity"]["threshold"])}


@cache
def _code() -> str:
    """Say what the numbers rest on beside the rows."""
    files = [Path(__file__), Path(str(metrics.__file__))]
    return " ".join(
        [version("scikit-learn"), *(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)]
    )


def _measure_rows(rows: pd.DataFrame, threshold: float) -> Line:
    """Count some rows and compute the metrics of those that were scored."""
    ok = rows[rows["status"] == "ok"]
    labels, scores = ok["label"].to_numpy(), ok["score"].to_numpy(np.float64)
    return {
        "images": len(rows),
        **{status: int((rows["status"] == status).sum()) for status in STATUSES},
        "real": int((labels == REAL).sum()),
        "fake": int((labels == FAKE).sum()),
        **metrics.summarise(labels, scores, threshold),
        "undefined": metrics.why_undefined(labels),
    }
