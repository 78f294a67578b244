"""How much memory a batch may take: of a request that would make more, the files are read several times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .batches import Batch, InputKey, ReadRequest

BUDGET = 1 << 28
"""Bytes of a batch; up to four are alive for each reader process beside a model on the CPU."""
_GUESS = 3 * 256 * 256 * 4
"""Bytes that one `prepare` makes of an image, until it is seen: most detectors take 224 or 256 pixels."""


@dataclass(slots=True)
class Budget:
    """Cuts requests so that what becomes of each stays within a number of bytes, as far as can be foreseen.

    Only which tensors are made together is decided here, never which images: rows stay the same.

    Attributes:
        bytes: Of all prepared tensors of a batch.
    """

    bytes: int = BUDGET
    _seen: dict[int, int] = field(default_factory=dict)

    def cut(self, request: ReadRequest) -> Iterator[ReadRequest]:
        """Yield requests for the same files that together want what the request does."""
        keys: list[InputKey] = []
        total = 0
        for p, prepares in request.wanted:
            for k in prepares:
                # Batches of large pictures are small: for a whole one, their files would be read twice.
                size = self._seen.get(k, _GUESS * len(request.paths))
                # One tensor that is over the limit by itself still has to be made: then it comes alone.
                if keys and total + size > self.bytes:
                    yield replace(request, wanted=_wanted(keys))
                    keys, total = [], 0
                keys.append((p, k))
                total += size
        yield replace(request, wanted=_wanted(keys))

    def learn(self, batch: Batch) -> None:
        """See how much each `prepare` makes of a batch."""
        for (_, k), blocks in batch.blocks.items():
            size = sum(block.size for block in blocks)
            # The largest counts: the last batch of a test set may be of one image, and sizes may differ
            # between images where a `prepare` does not resize.
            self._seen[k] = max(size, self._seen.get(k, 0))


def _wanted(keys: list[InputKey]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Group keys by perturbation."""
    groups: dict[int, list[int]] = {}
    for p, k in keys:
        groups.setdefault(p, []).append(k)
    return tuple((p, tuple(prepares)) for p, prepares in groups.items())
