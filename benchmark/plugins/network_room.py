"""Memory for networks: those that do not fit in beside others have a round of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Room:
    """Memory that networks are put into, one detector's after the other.

    Attributes:
        bytes: How much there is.
        round: The number of the round that is being filled, from 0.
    """

    bytes: float = math.inf
    round: int = 0
    _held: Mapping[str, int] = field(default_factory=dict)

    def takes(self, sizes: Mapping[str, int]) -> bool:
        """Put in what a detector's checkpoints take, those of a shared encoder once.

        Args:
            sizes: In bytes, by checkpoint name; of what is in already, the size that holds from now on.

        Returns:
            Whether they fit in beside the others. If not, a new round begins with them alone, however large
            they are: one detector has to be tried.
        """
        together = {**self._held, **sizes}
        total = sum(together.values())
        is_alone = self._held.keys() <= sizes.keys()
        fits = is_alone or total <= max(self.bytes, sum(self._held.values()))
        self._held = together if fits else sizes
        self.round += not fits
        return fits
