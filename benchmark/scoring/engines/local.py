"""The local engine: networks in this process, files read ahead by others."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from forenbench.scoring.batches import CellResults, ReadRequest
from forenbench.scoring.budget import Ahead, Budget, guesses
from forenbench.scoring.features import FeatureCache, user_cache
from forenbench.scoring.kept_memory import keeping_memory
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.memory import batch_memory
from forenbench.scoring.numerics import Numerics
from forenbench.scoring.outcome import Listener
from forenbench.scoring.pipeline import Scorer
from forenbench.scoring.plan import Shard
from forenbench.scoring.preparing import Reader
from forenbench.scoring.reading import read_ahead, reader_processes, sent_ahead
from forenbench.types import Source

from . import Engine, EngineRequest


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Scores on one device of this machine.

    Attributes:
        numerics: Device and precision.
        cache: Keeps features of encoders; None: nothing is kept.
        readers: Processes that read ahead; with 0, this one does all.
    """

    numerics: Numerics
    cache: FeatureCache | None = None
    readers: int = 0

    @property
    def device_name(self) -> str:
        """What scores, for records."""
        return self.numerics.device

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, CellResults]]:
        """Score shards in their order."""
        scorer = Scorer(lineup, self.numerics, self.cache, listener.note)
        begun: deque[tuple[Shard, list[ReadRequest]]] = deque()
        device = self.numerics.device
        ahead = Ahead.of(lineup, self.readers, batch_memory(device))
        if ahead.note:
            listener.tell(ahead.note)
        budget = Budget(ahead.size, guesses(lineup.detectors))

        # Readers take requests ahead of what is scored, so shards are noted when they are begun; that is how
        # far ahead locks are held, too.
        def requests() -> Iterator[ReadRequest]:
            for shard in shards:
                pieces = [piece for request in shard.requests for piece in budget.cut(request)]
                begun.append((shard, pieces))
                yield from pieces

        reader, pin = Reader.of(lineup, sources, ahead.batches), device.startswith("cuda")
        batches = read_ahead(reader, requests(), self.readers, pin=pin, tell=listener.tell)
        scored: CellResults = {}
        done = 0
        with keeping_memory(device):
            for batch in sent_ahead(batches, device):
                budget.learn(batch)
                shard, pieces = begun[0]
                for index, results in scorer.score(batch, shard.todo).items():
                    scored.setdefault(index, []).extend(results)
                done += 1
                # Pieces of one request hold the same files: these count once, with the last piece.
                if done == len(pieces) or pieces[done].paths != pieces[done - 1].paths:
                    listener.advance(len(batch.sha256s))
                if done == len(pieces):
                    begun.popleft()
                    yield shard, scored
                    scored, done = {}, 0
        if self.cache is not None and self.cache.problem:
            listener.tell(self.cache.problem)


def local_engine(request: EngineRequest) -> AbstractContextManager[Engine]:
    """Make the engine of this process."""
    readers = reader_processes(request.device) if request.readers is None else request.readers
    numerics = Numerics(request.device, request.precision)
    return nullcontext(LocalEngine(numerics, user_cache(request.features), readers))
