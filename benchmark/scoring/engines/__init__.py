"""Engines: where shards are scored. All take the same shards and give the same results."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from forenbench.scoring.batches import CellResults
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.plan import Shard
from forenbench.types import Source


class Listener(Protocol):
    """Hears of the work while it is done."""

    def advance(self, images: int) -> None:
        """Told after each batch, or several."""
        ...

    def tell(self, text: str) -> None:
        """Told, once, what is going on."""
        ...

    def note(self, text: str) -> None:
        """Told, once, what a reader of the results must know."""
        ...

    def stopped(self) -> bool:
        """Asked, by an engine that waits and has nothing in hand, whether it need not wait on."""
        ...


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
