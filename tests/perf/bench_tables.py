"""Metrics of four million stored rows: seconds and memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from measuring import MIB, python, scaled, title, value
from stored_cells import identity, provenance
from workloads import workplace

from forenbench.records.store import Store
from forenbench.types import Cell

ROWS, PIECE = 4_000_000, 50_000
TABLES = """
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from forenbench.tables.table import NothingToShow
from forenbench.records.store import Store
from forenbench.tables import TABLES, measure
cells = measure([Store(Path(sys.argv[1]))])
for kind in TABLES.values():
    with suppress(NothingToShow):
        kind.make(cells)
"""
IMPORTS = "import forenbench.tables, sklearn.metrics, pyarrow.parquet"


def rows(cell: Cell, number: int, each: int) -> Iterator[pa.Table]:
    """Make the rows of a cell: fakes score higher on average; several images of each origin, or none said."""
    random = np.random.default_rng(0)
    for start in range(0, number, PIECE):
        label = np.arange(start, min(start + PIECE, number)) % 2
        texts: dict[str, Any] = {
            "dataset": cell.dataset,
            "testset": cell.testset,
            "generator": cell.testset,
            "class": "horse",
        }
        texts |= {
            "real_source": "",
            "origin": [f"video{(start + at) // each}" if each > 1 else "" for at in range(len(label))],
            "detector": cell.detector,
            "perturbation": cell.perturbation,
        }
        score = 1 / (1 + np.exp(-random.normal(2 * label - 1, 2)))
        paths = [f"{cell.testset}/{one % 2}/{start + at:08d}.png" for at, one in enumerate(label)]
        made = {"path": paths, "label": label, "drawn": "", "score": score.astype(np.float32)}
        frame = pd.DataFrame(texts | made | {"logit": np.float32(0), "status": "ok", "error": ""})
        yield pa.Table.from_pandas(frame, preserve_index=False)


def write(root: Path, cells: int, number: int, each: int) -> None:
    """Store finished cells of `number` rows each, with `each` images of an origin."""
    store = Store(root)
    for place in range(cells):
        cell = Cell("detector", "data", f"testset{place}", "none")
        made = provenance(position=(0, place, 0, 0))
        store.write(cell, rows(cell, number, each), identity(), made)


def main() -> None:
    title("All metrics with intervals, and all tables, of 4,000,000 rows")
    with workplace() as root:
        base = python(IMPORTS, folder=root)
        for cells, each in ((8, 1), (1, 1), (8, 50), (1, 50)):
            run, what = (
                f"run{cells}-{each}",
                f"{cells} cells" + (f", {each} images of an origin" * (each > 1)),
            )
            write(root / run, cells, scaled(ROWS, 1000) // cells, each)
            done = python(TABLES, run, folder=root)
            value(f"{what}: seconds above the imports", done.seconds - base.seconds, "s", "60 s")
            value(f"{what}: peak memory, imports included", done.peak / MIB, "MiB", "2048 MiB")


if __name__ == "__main__":
    main()
