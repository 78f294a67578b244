"""Engines: where shards are scored. All take the same shards and give the same results."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from forenbench.scoring.batches import CellResults
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.outcome import Listener
from forenbench.scoring.plan import Shard
from forenbench.types import Source


class Engine(Protocol):
    """Scores shards."""

    @property
    def place(self) -> str:
        """Where, in words, for the records."""
        ...

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, CellResults]]:
        """Take shards one by one, no further ahead than needed, and yield each when it is scored.

        Args:
            lineup: The detectors and perturbations.
            sources: Where the shards' files are, by the places in their requests.
            shards: The work.
            listener: Told of progress.
        """
        ...
