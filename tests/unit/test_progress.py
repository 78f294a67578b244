"""Parts: finished work outlives its process, belongs to its cells, and is held by one process at a time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from stored_cells import identity

from forenbench.data.inventory import FileFacts
from forenbench.errors import RunFailed
from forenbench.records.rows import ImageResult, as_arrow
from forenbench.scoring.batches import BATCH
from forenbench.scoring.plan import SHARD, PlannedCell, Task
from forenbench.scoring.progress import Progress
from forenbench.testing import MemorySource
from forenbench.types import Cell, Sample, TestSet

SIZE = BATCH * SHARD
OK = ImageResult("ok", 0.25, -1.0)
LOST = ImageResult("failed", error="no memory")


def task(images: int, name: str = "t") -> Task:
    samples = tuple(Sample(f"{i}.png", i % 2, "gan", "horse", "lsun") for i in range(images))
    facts = {sample.path: FileFacts("") for sample in samples}
    return Task(TestSet("d", name, samples, MemorySource([]), ""), facts, ())


def cell(seed: int = 0) -> PlannedCell:
    return PlannedCell(Cell("det", "d", "t", "none"), identity(seed=seed), (0, 0), (0, 0, 0, 0))


def test_a_part_is_there_for_the_cells_it_was_scored_for(tmp_path: Path) -> None:
    progress, one, other = Progress(tmp_path), cell(0), cell(1)
    assert progress.lacking(task(3), 0, [one, other]) == [one, other]
    progress.write(task(3), 0, {one: as_arrow([OK] * 3)})
    assert progress.lacking(task(3), 0, [one, other]) == [other]
    progress.write(task(3), 0, {other: as_arrow([OK] * 3)})
    assert progress.lacking(task(3), 0, [one, other]) == []
    assert progress.lacking(task(3, "another"), 0, [one]) == [one]


def test_rows_come_out_in_the_order_of_the_samples_over_many_shards(tmp_path: Path) -> None:
    progress, one, whole = Progress(tmp_path), cell(), task(70 * SIZE + 5)
    for shard in whole.shards():
        scored = [ImageResult("ok", float(at), 0.0) for batch in shard for at in batch]
        progress.write(whole, shard[0].start, {one: as_arrow(scored)})
    pieces = [piece.to_pandas() for (piece,) in progress.rows(whole, [one])]
    assert len(pieces) == 2
    assert [score for piece in pieces for score in piece["score"]] == list(range(70 * SIZE + 5))
    assert [path for piece in pieces for path in piece["path"]] == [s.path for s in whole.testset.samples]
    first = pieces[0].iloc[1]
    assert [first[name] for name in ("generator", "class", "real_source", "label", "detector")] == [
        *("gan", "horse", "lsun", 1, "det")
    ]


def test_a_part_with_failures_is_made_again_by_the_next_run_only(tmp_path: Path) -> None:
    this, one = Progress(tmp_path), cell()
    this.write(task(2), 0, {one: as_arrow([OK, LOST])})
    assert this.lacking(task(2), 0, [one]) == []
    earlier = time.time() - 60
    for file in tmp_path.glob("parts/**/*.arrow"):
        os.utime(file, (earlier, earlier))
    assert Progress(tmp_path).lacking(task(2), 0, [one]) == [one]


def test_a_file_that_a_power_cut_shortened_is_no_part(tmp_path: Path) -> None:
    progress, one = Progress(tmp_path), cell()
    progress.write(task(2), 0, {one: as_arrow([OK] * 2)})
    (file,) = tmp_path.glob("parts/**/*.arrow")
    whole = file.read_bytes()
    for size in (0, 7, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        assert progress.lacking(task(2), 0, [one]) == [one]
    progress.write(task(2), 0, {one: as_arrow([OK] * 2)})
    assert progress.lacking(task(2), 0, [one]) == []


def test_shards_go_once_nobody_needs_them(tmp_path: Path) -> None:
    """Two runs with different detectors may be at work on the same test set."""
    progress, mine, other = Progress(tmp_path), cell(0), cell(1)
    progress.write(task(SIZE + 1), 0, {mine: as_arrow([OK] * SIZE)})
    progress.write(task(SIZE + 1), 0, {other: as_arrow([OK] * SIZE)})
    progress.write(task(SIZE + 1), SIZE, {mine: as_arrow([OK])})
    progress.forget(task(SIZE + 1), lambda cell, identity: identity.seed == 0)
    assert progress.lacking(task(SIZE + 1), 0, [mine, other]) == []
    assert progress.lacking(task(SIZE + 1), SIZE, [mine, other]) == [mine, other]
    progress.forget(task(SIZE + 1), lambda cell, identity: True)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_another_process_is_at_work_on_stays(tmp_path: Path) -> None:
    progress, one = Progress(tmp_path), cell()
    progress.write(task(2), 0, {one: as_arrow([OK] * 2)})
    lock = progress.claim(task(2), 0)
    assert lock is not None
    progress.forget(task(2), lambda cell, identity: True)
    assert progress.lacking(task(2), 0, [one]) == []
    lock.release()


def test_a_part_is_claimed_once(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    lock = progress.claim(task(3), 0)
    assert lock is not None
    assert progress.claim(task(3), 0) is None
    other = progress.claim(task(3), SIZE)
    assert other is not None
    lock.release()
    again = progress.claim(task(3), 0)
    assert again is not None
    again.release()
    other.release()


def test_names_that_are_no_text_become_rows(tmp_path: Path) -> None:
    progress, one = Progress(tmp_path), cell()
    odd = task(1)
    sample = Sample(os.fsdecode(b"caf\xe9.png"), 1)
    odd = Task(TestSet("d", "t", (sample,), MemorySource([]), ""), {sample.path: FileFacts("")}, ())
    progress.write(odd, 0, {one: as_arrow([ImageResult("unreadable", error=os.fsdecode(b"caf\xe9"))])})
    (row,) = (row for (piece,) in progress.rows(odd, [one]) for row in piece.to_pylist())
    assert "caf" in row["path"]
    row["path"].encode()
    row["error"].encode()


def test_a_pipe_in_a_shards_place_is_named_and_not_waited_for(tmp_path: Path) -> None:
    progress, one = Progress(tmp_path), cell()
    progress.write(task(2), 0, {one: as_arrow([OK] * 2)})
    (file,) = tmp_path.glob("parts/*/*/*.arrow")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(RunFailed, match=r"0\.arrow' cannot be read: a named pipe"):
        progress.lacking(task(2), 0, [one])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file leads to a device that is always full."""
    from forenbench.files import atomic

    with atomic.replacing(tmp_path / "x") as named:
        named.touch()
    progress, one = Progress(tmp_path), cell()
    progress.write(task(2), 0, {one: as_arrow([OK] * 2)})
    monkeypatch.setattr(atomic, "_SUFFIX", ".full")
    name = named.name.replace(".x.", f".{SIZE:08d}.arrow.").replace(".part", ".full")
    (next(tmp_path.glob("parts/*/*")) / name).symlink_to("/dev/full")
    with pytest.raises(RunFailed, match=r"No space left .* make room"):
        progress.write(task(2 * SIZE), SIZE, {one: as_arrow([OK] * SIZE)})
    assert progress.lacking(task(2), 0, [one]) == []
    assert progress.lacking(task(2 * SIZE), SIZE, [one]) == [one]
