"""Memory of batches: bounded by making fewer tensors at a time, and the same results."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from forenbench.detectors._nets.pixels import CLIP, IMAGENET, Preprocess
from forenbench.perturbations import parse
from forenbench.records.environment import versions
from forenbench.scoring.batches import Batch, CellResults, ReadRequest
from forenbench.scoring.budget import BUDGET, Ahead, Budget, guesses
from forenbench.scoring.engines import local
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.engines.replica import Replica, Setup
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.memory import batch_memory
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Silent
from forenbench.scoring.plan import Shard
from forenbench.scoring.preparing import Reader
from forenbench.testing import MemorySource, tiny_image

MIB = 1 << 20
GUESS = 3 * 256 * 256 * 4
"""Bytes of an image, of a `prepare` that says nothing of its size."""
WANTED = ((0, (0, 1)), (2, (0, 1)), (3, (1,)))
"""Of three perturbations and two prepares, five tensors."""


def keys(order: ReadRequest) -> list[tuple[int, int]]:
    return [(place, index) for place, indices in order.wanted for index in indices]


class Wide:
    """A detector whose input is of as many bytes as asked for."""

    version, threshold = "1", 0.5

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size

    def prepare(self, image: Image.Image) -> Tensor:
        return torch.full((self.size // 4,), float(image.getpixel((0, 0))[0] + image.width))  # type: ignore[index]

    def score(self, batch: Tensor) -> Tensor:
        return batch[:, 0] / 512


class Counting(Silent):
    images = 0

    def advance(self, images: int) -> None:
        self.images += images


def work() -> tuple[Lineup, list[MemorySource], Shard]:
    detectors = [Wide("small", 4), Wide("large", MIB), Wide("other", 64)]
    lineup = Lineup(detectors, [parse(one) for one in ("none", "noise:9", "jpeg:50", "blur:1")])
    todo = ((0, (0, 1, 2)), (1, (1,)), (3, (0, 2)))
    source = MemorySource([tiny_image(i, 8 + i % 3) for i in range(10)])
    orders = [
        ReadRequest(0, tuple(map(str, at)), ("",) * len(at), lineup.wanted(todo))
        for at in (range(4), range(4, 8), range(8, 10))
    ]
    return lineup, [source], Shard(0, 0, tuple(orders), todo)


def test_an_order_is_cut_between_tensors_and_none_is_lost_or_made_twice() -> None:
    order = ReadRequest(0, ("a", "b"), ("", ""), WANTED)
    guess = 2 * 1000
    for size, parts in ((5 * guess, [5]), (2 * guess, [2, 2, 1]), (guess, [1] * 5), (1, [1] * 5)):
        pieces = list(Budget(size, {0: 1000, 1: 1000}).cut(order))
        assert [len(keys(piece)) for piece in pieces] == parts
        assert [key for piece in pieces for key in keys(piece)] == keys(order)
        assert {(piece.source, piece.paths, piece.sha256s) for piece in pieces} == {(0, ("a", "b"), ("", ""))}


def test_a_batch_of_few_large_pictures_is_not_read_twice_on_a_guess() -> None:
    """Sixteen pictures of 1024² end a batch; three detectors of two prepares want them in six ways."""
    wanted = tuple((p, (0, 1)) for p in range(6))
    for images, pieces in ((16, 1), (32, 2)):
        request = ReadRequest(0, tuple(map(str, range(images))), ("",) * images, wanted)
        assert len(list(Budget(BUDGET, {0: GUESS, 1: GUESS}).cut(request))) == pieces


class Prepared(Wide):
    """A detector with a `prepare` of ours."""

    def __init__(self, prepare: Preprocess) -> None:
        super().__init__(str(prepare), 4)
        self.prepare = prepare  # type: ignore[method-assign, assignment]


def test_a_prepare_that_states_its_size_is_not_guessed_at() -> None:
    detectors = [
        Wide("a", 4),
        Prepared(Preprocess(CLIP, crop=224)),
        Prepared(Preprocess(IMAGENET, resize=96)),
    ]
    assert guesses(detectors) == {0: GUESS, 1: 3 * 224**2, 2: 3 * 96**2}
    # Where statistics alone differ, a reader does one thing.
    shared = [Prepared(Preprocess(statistics, crop=224)) for statistics in (CLIP, IMAGENET)]
    assert guesses(shared) == {0: 3 * 224**2}


WHOLE = Preprocess(CLIP, crop=256)
"""6.3 MB a batch."""
ONE = 32 * 3 * 256**2


@pytest.mark.parametrize(
    ("perturbations", "readers", "free", "batches", "size", "times"),
    [
        (1, 1, 1 << 40, 2, 256 * MIB, 0),  # the common case
        (60, 1, 1 << 40, 1, 384 * MIB, 0),  # 377 MB: one is read while one is scored
        (70, 1, 1 << 40, 1, 384 * MIB, 2),
        (60, 16, 1 << 40, 2, 16 * 768 * MIB // 33, 0),
        (1, 16, 33 * ONE, 2, ONE, 0),
        (1, 16, 33 * ONE - 1, 1, (33 * ONE - 1) // 17, 0),
        (2, 16, 17 * ONE, 1, ONE, 2),
        (2, 0, ONE, 1, ONE, 2),
    ],
)
def test_how_far_ahead_is_read_leaves_memory_for_the_rest(
    perturbations: int, readers: int, free: float, batches: int, size: int, times: int
) -> None:
    lineup = Lineup([Prepared(WHOLE)], [parse("none")] * perturbations)
    ahead = Ahead.of(lineup, readers, free)
    assert (ahead.batches, ahead.size) == (batches, size)
    assert (f"read about {times} times" in ahead.note) if times else not ahead.note
    assert (ahead.batches * readers + 1) * ahead.size <= min(free, 768 * MIB * max(1, readers))


def test_a_quarter_of_what_is_free_is_for_the_batches_of_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemAvailable:   8000 kB\n")
    assert batch_memory("cpu", tmp_path) == 2000 * 1024
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)  # one process each, all of which read
    assert batch_memory("cuda:3", tmp_path) == 250 * 1024


def test_an_engine_reads_as_far_ahead_as_there_is_memory_for_and_says_where_that_is_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hearing(Silent):
        told = ""

        def tell(self, text: str) -> None:
            self.told += text

    seen: list[Reader] = []

    def noted(reader: Reader, *_: object, **__: object) -> list[Batch]:
        seen.append(reader)
        return []

    monkeypatch.setattr(local, "read_ahead", noted)
    lineup = Lineup([Prepared(WHOLE)], [parse("none")] * 2)
    for free in (6 * ONE, 4 * ONE, 2 * ONE):
        monkeypatch.setattr(local, "batch_memory", lambda device, free=free: free)
        hearing = Hearing()
        assert list(LocalEngine(Numerics(), readers=1).score(lineup, [], [], hearing)) == []
        assert bool(hearing.told) == (free == 2 * ONE)
    assert [reader.ahead for reader in seen] == [2, 1, 1]


def test_what_was_seen_decides_and_the_largest_counts() -> None:
    lineup, sources, shard = work()
    reader, budget = Reader.of(lineup, sources), Budget(10 * MIB, dict.fromkeys(range(3), GUESS))
    guessed = [keys(piece) for piece in budget.cut(shard.requests[0])]  # 3 MiB each: nothing was seen
    assert guessed == [[(0, 0), (0, 1), (0, 2)], [(1, 1), (3, 0), (3, 2)]]
    budget.learn(reader[shard.requests[0]])
    budget.learn(reader[shard.requests[2]])  # two images only
    pieces = [keys(piece) for piece in budget.cut(shard.requests[1])]
    assert pieces == [[(0, 0), (0, 1), (0, 2), (1, 1), (3, 0), (3, 2)]]
    assert [
        keys(piece) for piece in Budget(5 * MIB, budget.guesses, budget._seen).cut(shard.requests[1])
    ] == [
        [(0, 0), (0, 1), (0, 2)],
        [(1, 1), (3, 0), (3, 2)],
    ]


def values(scored: CellResults) -> dict[tuple[int, int], list[tuple[str, float, str]]]:
    return {
        place: [(one.status, one.score, one.drawn) for one in results] for place, results in scored.items()
    }


@pytest.mark.parametrize("readers", [0, 1])
def test_a_small_budget_changes_no_result_and_no_count(readers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lineup, sources, shard = work()

    def scored() -> tuple[object, int]:
        heard = Counting()
        ((_, results),) = LocalEngine(Numerics(), readers=readers).score(lineup, sources, [shard], heard)
        return values(results), heard.images

    whole = scored()
    monkeypatch.setattr(local, "batch_memory", lambda device: 1)
    assert scored() == whole
    assert whole[1] == 10

    replica = Replica(Setup(lambda _: [], lineup, sources, Numerics(), 0, 1, [], versions()))
    replica.scorer, replica.reader = local.Scorer(lineup, Numerics()), Reader.of(lineup, sources)
    replica.budget = Budget(1, guesses(lineup.detectors))
    sent = {
        place: [(row["status"], row["score"], row["drawn"]) for row in columns.to_pylist()]
        for place, columns in replica.score(shard).open().items()
    }
    assert sent == whole[0]
