"""The cost model of docs/scaling.md against the real pool on up to 64 simulated replicas."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import pytest
from cost_model import METRICS, Grid, cost, driver
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_cluster import Silence, SimulatedCluster, make_shards

from forenbench.scoring.engines.replicas import ReplicaPool

DOCUMENT = Path(__file__).parents[2] / "docs/scaling.md"
UNITS = {"s": 1, "min": 60, "h": 3600}
SAME = settings(max_examples=60, derandomize=True)
"""The same runs each time: the bounds are what the document says of the model, not laws."""


@dataclass(frozen=True)
class Run:
    """Seconds that each shard takes, and what else a run is made of.

    Attributes:
        slow: How many times as long the first replicas take.
        deaths: When the next ones die, as shares of the time that the model expects.
    """

    shards: Sequence[float]
    replicas: int
    driver: float
    start_ups: Sequence[float]
    slow: Sequence[float] = ()
    deaths: Sequence[float] = ()

    def expected(self) -> float:
        """Ask the model, which knows means."""
        mean, faults = sum(self.shards) / len(self.shards), {"slow": self.slow, "losses": len(self.deaths)}
        return cost(len(self.shards), self.replicas, mean, self.driver, max(self.start_ups), **faults).seconds

    def simulated(self) -> float:
        """Have the real pool do the run; the driver stores one shard after another."""
        starts = iter(self.start_ups * (1 + len(self.shards)))
        lives = [inf] * len(self.slow) + [share * self.expected() for share in self.deaths]
        cluster = SimulatedCluster(
            lambda shard: self.shards[shard.start], starts.__next__, lives=lives, slowness=self.slow
        )
        done = 0
        for _ in ReplicaPool(cluster, self.replicas, Silence()).work(iter(make_shards(len(self.shards)))):
            cluster.clock += self.driver
            done += 1
        assert done == len(self.shards)
        return cluster.clock


@st.composite
def runs(draw: st.DrawFn, fewest_rounds: int, driver: float, spread: float = 0.5) -> Run:
    """Draw a run; `driver` is the highest share of its capacity that its storing takes."""
    replicas = draw(st.integers(1, 64))
    number = replicas * draw(st.integers(fewest_rounds, 30)) + draw(st.integers(0, replicas - 1))
    chance = random.Random(draw(st.integers(0, 2**32)))
    shards = [chance.uniform(1 - spread, 1 + spread) for _ in range(number)]
    storing = draw(st.floats(0, driver)) * sum(shards) / number / replicas
    return Run(shards, replicas, storing, [chance.uniform(0, 2) for _ in range(replicas)])


@SAME
@given(runs(fewest_rounds=5, driver=3.0))
def test_from_five_rounds_on_the_cost_model_holds_within_a_quarter(run: Run) -> None:
    """Whether replicas or the driver are the bottleneck; shards differ by up to three times."""
    assert run.simulated() == pytest.approx(run.expected(), rel=1 / 4)


@SAME
@given(runs(fewest_rounds=15, driver=3.0))
def test_from_fifteen_rounds_on_the_cost_model_holds_within_a_sixth(run: Run) -> None:
    assert run.simulated() == pytest.approx(run.expected(), rel=1 / 6)


@pytest.mark.parametrize(
    ("replicas", "slow", "losses", "within"),
    [
        (64, [5.0], 0, 1 / 5),
        (8, [2.0, 2.0, 3.0, 3.0], 0, 1 / 5),
        (64, [5.0], 8, 1 / 5),
        (64, [], 8, 1 / 10),
        (8, [], 8, 1 / 10),
    ],
)
def test_with_stragglers_and_losses_a_run_takes_what_the_model_says(
    replicas: int, slow: list[float], losses: int, within: float
) -> None:
    chance = random.Random(5)
    for rounds in (15, 20, 30):
        shards = [chance.uniform(0.5, 1.5) for _ in range(replicas * rounds + chance.randrange(replicas))]
        deaths = [chance.uniform(0.1, 0.9) for _ in range(losses)]
        run = Run(shards, replicas, chance.uniform(0, 0.5) / replicas, [6.0], slow, deaths)
        assert run.simulated() == pytest.approx(run.expected(), rel=within)


def test_one_straggler_costs_its_last_shards_and_not_a_share_of_the_run() -> None:
    """Of 64 replicas one is five times slower: 1.5 shards at the end, however long the run."""
    for rounds in (10, 50):
        run = Run([1.0] * 64 * rounds, 64, 0.0, [0.0])
        assert 0 <= replace(run, slow=[5.0]).simulated() - run.simulated() <= 2 * 5


@SAME
@given(runs(fewest_rounds=1, driver=3.0, spread=0.9))
def test_no_run_is_faster_than_its_work_or_slower_than_one_replica(run: Run) -> None:
    """Bounds that hold for any policy, and Graham's for one that leaves no replica idle, with two in hand."""
    seconds, work = run.simulated(), sum(run.shards)
    storing, longest = len(run.shards) * run.driver, max(run.shards)
    assert seconds >= max(work / run.replicas, storing) * (1 - 1e-9)
    assert seconds <= max(run.start_ups) + work / run.replicas + storing + 3 * longest


@pytest.mark.slow
@SAME
@given(runs(fewest_rounds=25, driver=0.5))
def test_with_many_shards_replicas_are_busy_nine_tenths_of_the_time(run: Run) -> None:
    seconds = run.simulated() - max(run.start_ups)
    assert sum(run.shards) / run.replicas / seconds > 0.9


def test_the_model_says_where_the_driver_is_the_bottleneck() -> None:
    """64 replicas that take a second for a shard ask for one every 16 ms."""
    for storing, bound_by in ((0.012, "replicas"), (0.020, "driver")):
        run = Run([1.0] * 64 * 20, 64, storing, [0.0])
        expected = cost(len(run.shards), 64, 1.0, storing, 0.0)
        assert expected.bound_by == bound_by
        assert run.simulated() == pytest.approx(expected.seconds, rel=0.1)
        # Twice the replicas help only where these are the bottleneck.
        gain = run.simulated() / Run(run.shards, 128, storing, [0.0]).simulated()
        assert gain == pytest.approx(1.3 if bound_by == "replicas" else 1.0, abs=0.1)


@pytest.mark.parametrize("replicas", [1, 2, 7, 64])
def test_equal_shards_take_as_many_rounds_as_the_model_counts(replicas: int) -> None:
    for number in (1, replicas, replicas + 1, 5 * replicas - 1):
        run = Run([3.0] * number, replicas, 0.0, [4.0])
        assert run.simulated() == cost(number, replicas, 3.0, 0.0, 4.0).seconds


GRIDS = [
    Grid(0.005, [0.0], [], [2.1], [0.15, 0, 0, 0, 0]),
    Grid(0.005, [0, 0.002, 0.003, 0.0001, 0.006, 0.006], [], [], [1.2 + 0.14]),
    Grid(0, [0] * 6, [], [], [1 / 5000] * 5),
    Grid(0, [0] * 10, [], [], [0.096 / 200] * 20),
]
"""Of the document's table; on GPUs readers keep up, and one number stands for all networks."""


def test_the_documents_table_is_what_the_model_says() -> None:
    numbers = r"\| ([\d,]+) \| (\d+) \| ([\d,]+) \| ([\d.]+) s "
    row = numbers + r"\| ([^|]+) \| ([^|]+) \| ([\d,]+) replicas \| ([^|]+) \|"
    rows = re.findall(row, DOCUMENT.read_text(encoding="utf-8"))
    for cells, grid in zip(rows, GRIDS, strict=True):
        images, number, shards = (int(text.replace(",", "")) for text in cells[:3])
        shard, storing = float(cells[3]), driver(number)
        assert number == grid.cells
        assert shard == pytest.approx(128 * grid.image, rel=0.01)
        assert images / 128 <= shards
        assert int(cells[6].replace(",", "")) == pytest.approx(shard / storing, rel=0.02)
        times = [cost(shards, replicas, shard, storing, 10).seconds for replicas in (8, 64)]
        for text, expected in zip((*cells[4:6], cells[7]), (*times, images * number * METRICS), strict=True):
            much, unit = text.split()
            assert float(much) * UNITS[unit] == pytest.approx(expected, rel=0.03)


def test_the_documents_formulas_are_the_models() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    each, a_cell = driver(0), driver(1) - driver(0)
    assert f"driver  = {1000 * each:g} ms + {1000 * a_cell:.1f} ms × perturbations × detectors" in text
    assert f"metrics = {1e6 * METRICS:g} µs × images × perturbations × detectors" in text
