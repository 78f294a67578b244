"""What is remembered of measured cells: one file in the run folder, Arrow under a seal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forenbench.files.atomic import replacing
from forenbench.files.regular import read_regular
from forenbench.files.sealed import from_arrow, to_arrow
from forenbench.metrics.metric_values import kept

CellMetrics = dict[str, Any]
"""One class of a cell, or all of it: its counts of images and its metrics, by column."""
_FILE = "measured.arrows"


class Remembered(NamedTuple):
    """What is remembered of a cell: a mark of what it was made from, its lines, replicates by metric."""

    mark: str
    lines: list[CellMetrics]
    replicates: dict[str, NDArray[np.float64]]


def columns() -> list[str]:
    """List the metrics whose replicates are remembered: those of means, and what micro means are made of."""
    return list(dict.fromkeys([*kept(), "real_acc", "fake_acc", "tampered_acc"]))


def read(root: Path) -> dict[str, Remembered]:
    """Read what a run folder remembers; of a damaged file, nothing."""
    # nothing is lost with it: what is not remembered is measured again
    with suppress(OSError, ValueError, KeyError):
        table = from_arrow(read_regular(root / _FILE)).read_all()
        texts = zip(*(table[name].to_pylist() for name in ("key", "mark", "lines")), strict=True)
        found = {key: Remembered(mark, json.loads(lines), {}) for key, mark, lines in texts}
        for name in columns():
            # views into one buffer: `to_pylist` would make a thousand Python floats of each cell
            lists = table[name].combine_chunks()
            values, ends = lists.values.to_numpy(), lists.offsets.to_numpy()
            is_defined = lists.is_valid().to_numpy(zero_copy_only=False)  # the metric, in this cell
            for at, cell in enumerate(found.values()):
                if is_defined[at]:
                    cell.replicates[name] = values[ends[at] : ends[at + 1]]
        return found
    return {}


def write(root: Path, known: Mapping[str, Remembered]) -> None:
    """Keep what was measured in a run folder.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow as pa

    stored: dict[str, Any] = {
        "key": list(known),
        "mark": [cell.mark for cell in known.values()],
        # as JSON: which columns a line has depends on the cell, and Arrow's columns are the same in each row
        "lines": [json.dumps(cell.lines) for cell in known.values()],
    }
    lists = pa.list_(pa.float64())
    stored |= {
        name: pa.array([cell.replicates.get(name) for cell in known.values()], lists) for name in columns()
    }
    table = pa.table(stored)
    with replacing(root / _FILE) as partial:
        partial.write_bytes(to_arrow(table.to_batches(), table.schema))
