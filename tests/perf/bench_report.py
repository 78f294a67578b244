"""A report on four million stored rows: seconds, memory, and size of the file."""

from __future__ import annotations

from bench_tables import PIECE, ROWS, rows
from measuring import MIB, python, scaled, title, value
from stored_cells import identity, provenance
from workloads import workplace

from forenbench.records.store import Store
from forenbench.types import Cell

DETECTORS, TESTSETS = 8, 20
TABLES = """
import sys
from pathlib import Path
from forenbench.records.store import Store
from forenbench.tables import measure
measure([Store(Path(sys.argv[1]))])
"""
REPORT = """
import sys
from pathlib import Path
from forenbench.report.contents import Wishes
from forenbench.report.page import write
from forenbench.report.thumbnails import Thumbnails
from forenbench.records.store import Store
write([Store(Path(sys.argv[1]))], Path("report.html"), Wishes(Thumbnails({}, {})))
"""


def write(store: Store, detectors: int, testsets: int) -> None:
    """Store finished cells that have `ROWS` rows together."""
    number = max(scaled(ROWS) // (detectors * testsets), 100)
    for place in range(detectors * testsets):
        at = place % testsets
        cell = Cell(f"detector{place // testsets}", "data", f"testset{at}", "none")
        made = provenance(position=(0, at, 0, place // testsets))
        store.write(cell, rows(cell, number, each=1), identity(), made)


def main() -> None:
    title(f"A report on 4,000,000 rows, in pieces of {PIECE:,} written; metrics known from before")
    with workplace() as root:
        for detectors, testsets in ((DETECTORS, TESTSETS), (1, 1)):
            name = f"run{detectors}"
            write(Store(root / name), detectors, testsets)
            python(TABLES, name, folder=root)
            done = python(REPORT, name, folder=root)
            what = f"{detectors * testsets} cells"
            value(f"{what}: seconds, imports included", done.seconds, "s", "")
            value(f"{what}: peak memory, imports included", done.peak / MIB, "MiB", "2048 MiB")
            value(f"{what}: size of the file", (root / "report.html").stat().st_size / 1e6, "MB", "10 MB")


if __name__ == "__main__":
    main()
