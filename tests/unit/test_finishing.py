"""Rows of many cells come from one reading of their shards, and are those of each cell by itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from stored_cells import identity, provenance

from forenbench.data.inventory import FileFacts
from forenbench.errors import RunFailed
from forenbench.records.rows import ImageResult, as_arrow
from forenbench.records.store import Store
from forenbench.scoring.finishing import make_rows
from forenbench.scoring.plan import PlannedCell, Task
from forenbench.scoring.progress import Progress
from forenbench.testing import MemorySource
from forenbench.types import Cell, Sample, TestSet

CELLS = [
    PlannedCell(Cell(f"d{at}", "d", "t", "none"), identity(seed=at), (0, at), (0, 0, 0, at))
    for at in range(70)
]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A test set of three shards, all there for all cells; each cell and image has a score of its own."""
    samples = tuple(Sample(f"{at}.png", at % 2, class_name="horse") for at in range(300))
    facts = {sample.path: FileFacts("") for sample in samples}
    task = Task(TestSet("d", "t", samples, MemorySource([]), ""), facts, ())
    for shard in task.shards():
        images = range(shard[0].start, shard[-1].stop)
        results = {
            cell: as_arrow([ImageResult("ok", (300 * at + image) / 2**15) for image in images])
            for at, cell in enumerate(CELLS)
        }
        Progress(tmp_path).write(task, shard[0].start, results)
    return task


def test_each_cell_has_its_own_rows_in_the_order_of_the_images(task: Task, tmp_path: Path) -> None:
    store = Store(tmp_path)
    make_rows(Progress(tmp_path), store, task, [(cell, provenance()) for cell in CELLS])
    records = {record.cell: record for record in store.records()}
    for at, cell in enumerate(CELLS):
        rows = store.rows(records[cell.cell])
        assert rows["score"].tolist() == [(300 * at + image) / 2**15 for image in range(300)]
        assert rows["path"].tolist() == [f"{image}.png" for image in range(300)]
        assert set(rows["detector"]) == {cell.cell.detector}
        assert records[cell.cell].identity == cell.identity


def test_the_files_are_those_that_each_cell_makes_by_itself(task: Task, tmp_path: Path) -> None:
    together, alone = Store(tmp_path / "together"), Store(tmp_path / "alone")
    make_rows(Progress(tmp_path), together, task, [(cell, provenance()) for cell in CELLS[:3]])
    for cell in CELLS[:3]:
        rows = (piece for (piece,) in Progress(tmp_path).rows(task, [cell]))
        alone.write(cell.cell, rows, cell.identity, provenance())
        for one, other in zip(together.files(cell.cell), alone.files(cell.cell), strict=True):
            assert one.read_bytes() == other.read_bytes()


def test_each_shard_is_read_once_for_many_cells(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As their seals show: seventy cells are of two times."""
    digest, made = hashlib.sha256, []

    def listen(content: bytes = b"") -> object:
        made.append(bytes(content))
        return digest(content)

    monkeypatch.setattr(hashlib, "sha256", listen)
    make_rows(Progress(tmp_path), Store(tmp_path), task, [(cell, provenance()) for cell in CELLS])
    assert len([one for one in made if b"d69" in one and one.startswith(b"\xff\xff\xff\xff")]) == 2 * 3


def test_without_one_shard_there_is_no_cell_and_no_half_of_one(task: Task, tmp_path: Path) -> None:
    next(tmp_path.glob("parts/*/*/00000128.arrow")).unlink()
    with pytest.raises(RunFailed, match="are gone"):
        make_rows(
            Progress(tmp_path), Store(tmp_path), task, [(CELLS[0], provenance()), (CELLS[1], provenance())]
        )
    assert Store(tmp_path).records() == []
    assert [path for path in tmp_path.glob("scores/**/*") if path.is_file()] == []


def test_what_is_counted_is_of_all_pieces(task: Task, tmp_path: Path) -> None:
    pieces = [piece for (piece,) in Progress(tmp_path).rows(task, CELLS[:1])]
    counts = Store(tmp_path).write(CELLS[0].cell, pieces * 2, CELLS[0].identity, provenance())
    assert (counts.ok, counts.images) == (600, 600)
