"""The replicas of a cluster, on a simulated one: every shard comes back once, whoever dies."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_cluster import RESULTS, Silence, SimulatedCluster, make_shards

from forenbench.errors import RunFailed
from forenbench.records.rows import ImageResult
from forenbench.scoring.engines.replica import Sent
from forenbench.scoring.engines.replicas import LOOK, LOOKS, TRIES, Lost, ReplicaPool
from forenbench.scoring.plan import Shard


def scored(pool: ReplicaPool, shards: list[Shard]) -> list[int]:
    """Score everything; return the shards' starts in the order in which they came back."""
    return [shard.start for shard, _ in pool.work(iter(shards))]


@given(
    st.integers(1, 9),
    st.integers(0, 40),
    st.lists(st.floats(0.5, 30), max_size=12),
    st.lists(st.floats(0.1, 5), min_size=1),
)
def test_every_shard_comes_back_once_whoever_dies(
    replicas: int, number: int, lives: list[float], seconds: list[float]
) -> None:
    """As long as no shard loses three replicas: here by dying only while there are two deaths to come."""
    cluster = SimulatedCluster(lambda one: seconds[one.start % len(seconds)], lives=lives[: TRIES - 1])
    pool = ReplicaPool(cluster, replicas, Silence())
    assert sorted(scored(pool, make_shards(number))) == list(range(number))
    pool.dismiss()
    assert set(cluster.dismissed) == set(cluster.hired), "a replica was left behind"


def test_a_shard_that_kills_is_given_up_after_all_others_are_done_and_accuses_none_but_itself() -> None:
    done: list[int] = []
    work = ReplicaPool(SimulatedCluster(poison=[3]), 2, Silence()).work(iter(make_shards(20)))
    with pytest.raises(RunFailed, match=r"3 replicas were lost over the 1 files from '3\.png' on") as failed:
        done.extend(shard.start for shard, _ in work)
    assert sorted(done) == [at for at in range(20) if at != 3]
    assert str(failed.value).count(".png") == 1


def test_replicas_that_cannot_be_made_end_the_run_after_a_few_tries() -> None:
    cluster = SimulatedCluster(start_up=lambda: 1.0, lives=[0.5] * 100)
    pool = ReplicaPool(cluster, 4, Silence())
    with pytest.raises(RunFailed, match="no replica of the detectors could be made: it died"):
        scored(pool, make_shards(9))
    assert len(cluster.hired) <= (1 + TRIES) * 4


def test_one_place_where_replicas_die_does_not_end_a_run_that_others_do() -> None:
    """Three of four places work; on the fourth each replica dies before it is ready."""
    cluster = SimulatedCluster(start_up=lambda: 1.0, lives=[100.0, 100.0, 100.0, *[0.5] * 100])
    assert sorted(scored(ReplicaPool(cluster, 4, Silence()), make_shards(90))) == list(range(90))


def test_without_room_it_says_so_and_waits_until_asked_to_stop() -> None:
    @dataclass
    class Impatient(Silence):
        looks: int = 0

        def stopped(self) -> bool:
            self.looks += 1
            assert bool(self.said) == (self.looks > LOOKS)
            return self.looks > LOOKS + 5

    cluster, listener = SimulatedCluster(places=0), Impatient()
    assert scored(ReplicaPool(cluster, 2, listener), make_shards(3)) == []
    assert listener.said == ["waiting for the cluster to have room for the detectors"]
    assert cluster.clock == (LOOKS + 6) * LOOK


def test_there_are_no_more_replicas_than_shards_and_each_gets_one_of_the_last() -> None:
    cluster = SimulatedCluster(lambda shard: 10.0, iter((1.0, 2.0, 3.0)).__next__)
    assert sorted(scored(ReplicaPool(cluster, 64, Silence()), make_shards(3))) == [0, 1, 2]
    assert len(cluster.hired) == 3
    assert cluster.clock == 13.0, "two shards went to one replica"


def test_shards_are_taken_no_further_ahead_than_there_are_hands() -> None:
    taken = []

    def shards() -> Iterator[Shard]:
        for one in make_shards(50):
            taken.append(one.start)
            yield one

    for number, _ in enumerate(ReplicaPool(SimulatedCluster(), 2, Silence()).work(shards()), start=1):
        assert len(taken) <= number + 2 * 2
    assert len(taken) == 50


@dataclass
class Unreachable:
    """One replica is out of reach over its first shard, and delivers the second one all the same."""

    tickets: list[tuple[str, int]] = field(default_factory=list)
    dismissed: list[int] = field(default_factory=list)
    hired: int = 0

    def hire(self) -> tuple[int, tuple[str, int]]:
        self.hired += 1
        return self.hired, ("ready", self.hired)

    def give(self, replica: Any, shard: Shard) -> tuple[str, int]:  # noqa: ANN401
        self.tickets.append(("score", shard.start))
        return "lost" if replica == 1 and shard.start == 0 else "score", shard.start

    def wait(self, tickets: Any, seconds: float) -> list[Any]:  # noqa: ANN401
        return list(tickets)[:1]

    def collect(self, ticket: Any) -> Any:  # noqa: ANN401
        if ticket[0] == "lost":
            raise Lost("out of reach")
        return RESULTS, ["a note", "a note"]

    def dismiss(self, replica: Any) -> None:  # noqa: ANN401
        self.dismissed.append(replica)


def test_a_replica_out_of_reach_is_freed_and_what_it_still_delivers_is_taken() -> None:
    cluster, listener = Unreachable(), Silence()
    assert sorted(scored(ReplicaPool(cluster, 1, listener), make_shards(2))) == [0, 1]
    assert cluster.dismissed == [1]
    assert cluster.tickets == [("score", 0), ("score", 1), ("score", 0)]
    assert listener.notes == ["a note"]
    assert listener.images == 2


def test_results_cross_as_they_are_and_damaged_ones_count_as_lost() -> None:
    """Not a number, a message that is no valid text, and what was drawn; then each with a bit flipped."""
    odd = [ImageResult("nonfinite", logit=2.0, error="\udcff"), ImageResult("ok", 0.25, drawn="q=7")]
    sent = Sent.of({(1, 2): [ImageResult("ok", 0.5)] * 3, (0, 4): odd}, ["a note"])
    found = pickle.loads(pickle.dumps(sent)).open()
    assert list(found) == [(1, 2), (0, 4)]
    assert found[1, 2]["score"].to_pylist() == [0.5] * 3
    assert [str(row) for row in found[0, 4].to_pylist()] == [
        str({"score": nan, "logit": 2.0, "status": "nonfinite", "error": "\\udcff", "drawn": ""}),
        str({"score": 0.25, "logit": nan, "status": "ok", "error": "", "drawn": "q=7"}),
    ]
    for at in range(0, len(sent.columns), 97):
        damaged = bytearray(sent.columns)
        damaged[at] ^= 4
        with pytest.raises(Lost, match="arrived damaged"):
            sent._replace(columns=bytes(damaged)).open()
