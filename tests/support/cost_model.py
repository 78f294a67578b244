"""The cost model of docs/scaling.md, as a formula."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple


class Cost(NamedTuple):
    """What a run on a cluster takes.

    Attributes:
        seconds: From the start of the command to the last row.
        bound_by: "replicas", or "driver": the process that asked stores parts more slowly than they come.
    """

    seconds: float
    bound_by: str


def cost(parts: int, replicas: int, part: float, driver: float, start_up: float) -> Cost:
    """Estimate a run.

    Args:
        parts: Of all test sets.
        replicas: That work at once.
        part: Seconds that one replica takes for a part.
        driver: Seconds that the process that asked takes to store one.
        start_up: Seconds until replicas are ready.
    """
    scoring, storing = ceil(parts / replicas) * part + driver, parts * driver + part
    return Cost(start_up + max(scoring, storing), "replicas" if scoring >= storing else "driver")
