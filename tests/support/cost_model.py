"""The cost model of docs/scaling.md, as formulas; all times are seconds."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

METRICS = 10e-6
"""Of a row: values and intervals, on one core."""


def driver(cells: int) -> float:
    """Estimate what the driver spends on a shard of so many cells."""
    return 0.004 + 0.0004 * cells


class Grid(NamedTuple):
    """What is done to each image: seconds for each thing that counts once.

    Attributes:
        read: To read and decode it.
        perturbations: To make each perturbation's picture of it; "none" takes 0.
        prepares: Each distinct one of a picture.
        encoders: Each distinct one of what was prepared.
        heads: Each detector's own network.
    """

    read: float
    perturbations: Sequence[float]
    prepares: Sequence[float]
    encoders: Sequence[float]
    heads: Sequence[float]

    @property
    def image(self) -> float:
        """What one thread takes for an image."""
        networks = sum(self.prepares) + sum(self.encoders) + sum(self.heads)
        return self.read + sum(self.perturbations) + len(self.perturbations) * networks

    @property
    def cells(self) -> int:
        """Of each test set."""
        return len(self.perturbations) * len(self.heads)


class Cost(NamedTuple):
    """What a run on a cluster takes.

    Attributes:
        seconds: From the start of the command to the last row.
        bound_by: "replicas", or "driver": the driver stores shards more slowly than they come.
    """

    seconds: float
    bound_by: str


def cost(
    shards: int,
    replicas: int,
    shard: float,
    driver: float,
    start_up: float,
    *,
    slow: Sequence[float] = (),
    losses: int = 0,
) -> Cost:
    """Estimate a run.

    Args:
        shards: Of all test sets.
        replicas: That work at once.
        shard: Seconds that one replica takes for a shard.
        driver: Seconds that the driver takes to store one.
        start_up: Seconds until replicas are ready.
        slow: How many times as long those replicas take that are slower than the others.
        losses: Replicas that die and are replaced.
    """
    speed = replicas - len(slow) + sum(1 / one for one in slow)
    rounds = shards / speed if slow else ceil(shards / replicas)
    # When nothing is left to be handed out, a replica is amid one of the two shards that it has.
    last = 1.5 * (max(slow) - 1) if slow else 0.0
    # A loss costs two shards, which come again at the end, and the place until another replica is ready.
    again = losses * (2 * shard + start_up) / speed
    scoring = (rounds + last) * shard + again + driver
    storing = shards * driver + shard
    return Cost(start_up + max(scoring, storing), "replicas" if scoring >= storing else "driver")
