"""A cluster that exists on a clock of its own: the real pool works on it, and hours pass in no time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from forenbench.records.rows import ImageResult
from forenbench.scoring.batches import ReadRequest
from forenbench.scoring.engines.replicas import Lost
from forenbench.scoring.plan import Shard

RESULTS = {(0, 0): [ImageResult("ok", 0.5)]}


def make_shards(number: int) -> list[Shard]:
    """Make shards of one image."""
    return [Shard(0, at, (ReadRequest(0, (f"{at}.png",), ("",), ()),), ()) for at in range(number)]


@dataclass(eq=False)
class Machine:
    """A replica's place on the clock."""

    born: float
    dies: float = inf
    slowness: float = 1.0
    free_at: float = 0.0


@dataclass
class Silence:
    """Listens, and never asks for an end."""

    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    images: int = 0

    def advance(self, images: int) -> None:
        self.images += images

    def tell(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stopped(self) -> bool:
        return False


@dataclass
class SimulatedCluster:
    """Replicas that take time, and die when they are told to.

    Attributes:
        seconds: That each shard takes.
        start_up: Seconds until a replica is ready.
        places: How many replicas there can be at once; those that are hired beyond that wait.
        lives: Seconds that the replicas live, one after another; those beyond the list live for ever.
        slowness: How many times as long as others they take, likewise; those beyond the list once.
        poison: Shards that kill whoever scores them.
        clock: Seconds since the beginning.
    """

    seconds: Callable[[Shard], float] = lambda shard: 1.0
    start_up: Callable[[], float] = lambda: 0.0
    places: int = 1000
    lives: Sequence[float] = ()
    slowness: Sequence[float] = ()
    poison: Collection[int] = ()
    clock: float = 0.0
    hired: list[Machine] = field(default_factory=list)
    dismissed: list[Machine] = field(default_factory=list)
    _waiting: list[tuple[Machine, object]] = field(default_factory=list)
    _done_at: dict[object, tuple[float, Any]] = field(default_factory=dict)

    def hire(self) -> tuple[Machine, object]:
        number = len(self.hired)
        life = self.lives[number] if number < len(self.lives) else inf
        slowness = self.slowness[number] if number < len(self.slowness) else 1.0
        machine, ticket = Machine(inf, life, slowness), object()
        self.hired.append(machine)
        self._done_at[ticket] = inf, None
        self._waiting.append((machine, ticket))
        self._place()
        return machine, ticket

    def _place(self) -> None:
        """Give free places to those that wait."""
        held = sum(machine.born < inf for machine in self.hired if machine not in self.dismissed)
        while self._waiting and held < self.places:
            machine, ticket = self._waiting.pop(0)
            machine.born = self.clock
            machine.dies += self.clock
            machine.free_at = self.clock + self.start_up()
            self._finish(machine, ticket, machine.free_at, None)
            held += 1

    def _finish(self, machine: Machine, ticket: object, at: float, result: object) -> None:
        dead = at >= machine.dies
        self._done_at[ticket] = (machine.dies, Lost("it died")) if dead else (at, result)

    def give(self, replica: Any, shard: Shard) -> object:  # noqa: ANN401
        ticket, done = object(), max(self.clock, replica.free_at) + self.seconds(shard) * replica.slowness
        if shard.start in self.poison:
            replica.dies = min(replica.dies, done)
        replica.free_at = done
        self._finish(replica, ticket, replica.free_at, (RESULTS, []))
        return ticket

    def wait(self, tickets: Collection[object], seconds: float) -> list[object]:
        """Like Ray, return one thing that is done, and of several the first in the list."""
        assert tickets, "waits for nothing, for ever"
        first = min(self._done_at[ticket][0] for ticket in tickets)
        self.clock = min(max(self.clock, first), self.clock + seconds)
        return [ticket for ticket in tickets if self._done_at[ticket][0] <= self.clock][:1]

    def collect(self, ticket: object) -> Any:  # noqa: ANN401
        at, result = self._done_at.pop(ticket)
        assert at <= self.clock
        if isinstance(result, Lost):
            raise result
        return result

    def dismiss(self, replica: Any) -> None:  # noqa: ANN401
        if replica not in self.dismissed:
            self.dismissed.append(replica)
            self._place()
