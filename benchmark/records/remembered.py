"""What is remembered of measured cells: one file in the run folder, Arrow under a seal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forenbench.files.atomic import replacing
from forenbench.files.sealed import from_arrow, to_arrow
from forenbench.metrics.metric_values import kept

if TYPE_CHECKING:
    import pyarrow as pa

CellMetrics = dict[str, Any]
"""One class of a cell, or all of it: its counts of images and its metrics, by column."""
_FILE = "measured.arrows"


class Remembered(NamedTuple):
    """What is remembered of a cell: a mark of what it was made from, its lines, replicates by metric."""

    mark: str
    lines: list[CellMetrics]
    replicates: dict[str, NDArray[np.float64]]


def read(root: Path) -> dict[str, Remembered]:
    """Read what a run folder remembers; of a damaged file, nothing."""
    with suppress(OSError, ValueError, KeyError):
        table = from_arrow((root / _FILE).read_bytes()).read_all()
        arrays = {name: _arrays(table[name].combine_chunks()) for name in kept()}
        told = zip(*(table[name].to_pylist() for name in ("key", "mark", "lines")), strict=True)
        return {
            key: Remembered(
                mark, json.loads(lines), {name: arrays[name][at] for name in arrays if at in arrays[name]}
            )
            for at, (key, mark, lines) in enumerate(told)
        }
    return {}


def _arrays(lists: pa.ListArray) -> dict[int, NDArray[np.float64]]:
    """Cut a column of lists into arrays, by row; rows without a list have none."""
    values, ends = lists.values.to_numpy(), lists.offsets.to_numpy()
    return {int(at): values[ends[at] : ends[at + 1]] for at in np.flatnonzero(lists.is_valid())}


def write(root: Path, known: Mapping[str, Remembered]) -> None:
    """Keep what was measured in a run folder.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {
        "key": list(known),
        "mark": [one.mark for one in known.values()],
        "lines": [json.dumps(one.lines) for one in known.values()],
    }
    types = pa.list_(pa.float64())
    made = {name: pa.array([one.replicates.get(name) for one in known.values()], types) for name in kept()}
    table = pa.table(columns | made)
    with replacing(root / _FILE) as partial:
        partial.write_bytes(to_arrow(table.to_batches(), table.schema))
