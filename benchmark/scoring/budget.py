"""How much memory batches may take: of a request that would make more, the files are read several times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.filesize import decimal

from forenbench.types import Detector

from .batches import BATCH, Batch, InputKey, ReadRequest
from .calls import TwoSteps, distinct_prepares, prepare_of
from .lineup import Lineup

BUDGET = 1 << 28
"""Bytes of a batch."""
ALIVE = 3
"""Batches of that size for each reader process: two ahead of the networks, and one at them."""
_SIDE = 256
"""Pixels that a `prepare` makes of a side, until it is seen, where it does not say: most make 224 or 256."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far reader processes read ahead of the networks.

    Attributes:
        batches: That each process may have finished or in work; one more is at the networks.
        size: Bytes of a batch at most.
        note: What is to be told of it, or empty.
    """

    batches: int
    size: int
    note: str = ""

    @classmethod
    def of(cls, lineup: Lineup, readers: int, free: float) -> Ahead:
        """Choose before a run; what reading far ahead does not leave room for is read less far ahead.

        Args:
            lineup: Of all that a batch may be wanted for.
            readers: Processes.
            free: Bytes that batches may take.
        """
        made = guesses(lineup.detectors)
        wanted = len(lineup.perturbations) * BATCH * sum(made.values())
        room = min(ALIVE * BUDGET * max(readers, 1), free)
        sizes = {batches: max(1, int(room / (batches * readers + 1))) for batches in (2, 1)}
        batches = 2 if wanted <= sizes[2] else 1
        size = sizes[batches]
        # One tensor of a batch is made at a time at least.
        times = min(-(-wanted // size), len(lineup.perturbations) * len(made))
        note = (
            f"what is wanted of 32 images takes about {decimal(wanted)}, and there is memory for "
            f"{decimal(size)} beside {readers} readers: each file is read about {times} times"
        )
        return cls(batches, size, note if times > 1 else "")


def guesses(detectors: Sequence[Detector]) -> dict[int, int]:
    """Guess the bytes that each distinct prepare makes of an image, before any is seen."""
    found = {}
    for detector, k in zip(detectors, distinct_prepares(detectors)[1], strict=True):
        prepare = prepare_of(detector)
        stated = (getattr(prepare, name, None) for name in ("crop", "resize"))
        side = next((side for side in stated if isinstance(side, int)), _SIDE)
        found[k] = 3 * side**2 * (1 if isinstance(prepare, TwoSteps) else 4)
    return found


@dataclass(slots=True)
class Budget:
    """Cuts requests so that what becomes of each stays within a number of bytes, as far as can be foreseen.

    Only which tensors are made together is decided here, never which images: rows stay the same.

    Attributes:
        bytes: Of all prepared tensors of a batch.
        guesses: Bytes that each distinct prepare makes of an image, until it is seen.
    """

    bytes: int
    guesses: Mapping[int, int]
    _seen: dict[int, int] = field(default_factory=dict)

    def cut(self, request: ReadRequest) -> Iterator[ReadRequest]:
        """Yield requests for the same files that together want what the request does."""
        keys: list[InputKey] = []
        total = 0
        for p, prepares in request.wanted:
            for k in prepares:
                # Batches of large pictures are small: for a whole one, their files would be read twice.
                size = self._seen.get(k, self.guesses[k] * len(request.paths))
                # One tensor that is over the limit by itself still has to be made: then it comes alone.
                if keys and total + size > self.bytes:
                    yield replace(request, wanted=_wanted(keys))
                    keys, total = [], 0
                keys.append((p, k))
                total += size
        yield replace(request, wanted=_wanted(keys))

    def learn(self, batch: Batch) -> None:
        """See how much each `prepare` makes of a batch."""
        for (_, k), stacks in batch.stacks.items():
            size = sum(stack.size for stack in stacks)
            # The largest counts: the last batch of a test set may be of one image, and sizes may differ
            # between images where a `prepare` does not resize.
            self._seen[k] = max(size, self._seen.get(k, 0))


def _wanted(keys: list[InputKey]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Group keys by perturbation."""
    groups: dict[int, list[int]] = {}
    for p, k in keys:
        groups.setdefault(p, []).append(k)
    return tuple((p, tuple(prepares)) for p, prepares in groups.items())
