"""Parts and batches are a function of the test set alone, and hold every sample once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from stored_cells import identity

from forenbench.data.inventory import FileFacts
from forenbench.scoring.batches import BATCH
from forenbench.scoring.plan import BATCH_PIXELS, SHARD, PlannedCell, Task
from forenbench.testing import MemorySource
from forenbench.types import Cell, Sample, TestSet

SIDES = st.sampled_from([0, 64, 256, 1024, 4096, 8000])


def task(sides: list[int]) -> Task:
    samples = tuple(Sample(f"{i}.png", i % 2) for i in range(len(sides)))
    facts = {s.path: FileFacts("", "PNG", "RGB", side, side) for s, side in zip(samples, sides, strict=True)}
    return Task(TestSet("d", "t", samples, MemorySource([]), ""), facts, ())


@given(st.lists(SIDES, max_size=300))
def test_shards_hold_every_sample_once_and_in_order(sides: list[int]) -> None:
    shards = list(task(sides).shards())
    assert [at for shard in shards for batch in shard for at in batch] == list(range(len(sides)))
    assert all(len(shard) == SHARD for shard in shards[:-1])


@given(st.lists(SIDES, max_size=300))
def test_a_batch_is_small_in_number_and_in_pixels(sides: list[int]) -> None:
    for shard in task(sides).shards():
        for batch in shard:
            assert 0 < len(batch) <= BATCH
            assert len(batch) == 1 or sum(sides[at] ** 2 for at in batch) <= BATCH_PIXELS


@given(st.lists(SIDES, min_size=1, max_size=100))
def test_no_batch_is_cut_where_the_next_image_would_have_fitted(sides: list[int]) -> None:
    batches = [batch for shard in task(sides).shards() for batch in shard]
    for batch, following in pairwise(batches):
        pixels = sum(sides[at] ** 2 for at in (*batch, following[0]))
        assert len(batch) == BATCH or pixels > BATCH_PIXELS


def test_a_digest_names_the_identity_whatever_its_order() -> None:
    cell = Cell("d", "s", "t", "none")
    two, turned = {"a": "0", "b": "1"}, {"b": "1", "a": "0"}
    one = PlannedCell(cell, identity(checkpoints=two), (0, 0), ())
    same = PlannedCell(cell, identity(checkpoints=turned), (1, 1), ())
    other = PlannedCell(cell, identity(checkpoints=two, seed=1), (0, 0), ())
    assert one.digest == same.digest != other.digest
