"""The cost model of docs/scaling.md, as a formula."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple


class Cost(NamedTuple):
    """What a run on a cluster takes.

    Attributes:
        seconds: From the start of the command to the last row.
        bound_by: "replicas", or "driver": the driver stores shards more slowly than they come.
    """

    seconds: float
    bound_by: str


def cost(shards: int, replicas: int, shard: float, driver: float, start_up: float) -> Cost:
    """Estimate a run.

    Args:
        shards: Of all test sets.
        replicas: That work at once.
        shard: Seconds that one replica takes for a shard.
        driver: Seconds that the driver takes to store one.
        start_up: Seconds until replicas are ready.
    """
    scoring, storing = ceil(shards / replicas) * shard + driver, shards * driver + shard
    return Cost(start_up + max(scoring, storing), "replicas" if scoring >= storing else "driver")
