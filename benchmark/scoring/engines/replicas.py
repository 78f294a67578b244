"""Which replica of the detectors gets which shard, and what becomes of shards whose replica dies."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from forenbench.errors import RunFailed
from forenbench.scoring.batches import CellColumns
from forenbench.scoring.outcome import Listener
from forenbench.scoring.plan import Shard

IN_HAND = 2
"""Shards that each replica has: one is read while another one is scored."""
TRIES = 3
"""Replicas that may die over a shard; and, times the size of the pool, before they are ready."""
LOOK = 1.0
"""Seconds after which a run without any replica looks whether it is to stop."""
LOOKS = 10
"""Looks after which it says that it waits for one: to start one where there is room takes some seconds."""

Replica = Hashable
Ticket = Hashable
"""Stands for what a replica was asked to do, until it is done."""


class Lost(Exception):
    """A replica died, with its machine or alone, cannot be reached, or raised or sent what it should not."""


class Cluster(Protocol):
    """Machines that have room for replicas."""

    def hire(self) -> tuple[Replica, Ticket]:
        """Ask for a replica; the ticket is for its being ready, however long the cluster has no room."""
        ...

    def give(self, replica: Replica, shard: Shard) -> Ticket:
        """Have a replica score a shard, after those that it was given before."""
        ...

    def wait(self, tickets: Collection[Ticket], seconds: float) -> Collection[Ticket]:
        """Wait until at least one thing is done, and say which; none after that many seconds."""
        ...

    def collect(self, ticket: Ticket) -> Any:  # noqa: ANN401 - nothing of a replica, results of a shard
        """Return a shard's results and the replica's notes so far; of a replica that is ready, nothing.

        Raises:
            Lost: It failed, and may succeed on another replica.
            RunFailed: It failed, and would fail on every replica.
        """
        ...

    def dismiss(self, replica: Replica) -> None:
        """Free what a replica takes of the cluster, alive or dead."""
        ...


@dataclass(slots=True)
class ReplicaPool:
    """The replicas of a run, and how many shards each is at work on.

    Shards that a dead replica was at work on are tried again when all others are handed out, and each alone,
    so that one that kills every replica takes no other with it.

    Attributes:
        cluster: Where they are.
        size: How many replicas the cluster has room for.
        listener: Told of progress.
        in_hand: Shards that each replica has.
    """

    cluster: Cluster
    size: int
    listener: Listener
    in_hand: int = IN_HAND
    coming: dict[Ticket, Replica] = field(default_factory=dict)
    hands: dict[Replica, int] = field(default_factory=dict)
    tasks: dict[Ticket, tuple[Shard, Replica]] = field(default_factory=dict)
    ahead: deque[Shard] = field(default_factory=deque)
    suspects: deque[Shard] = field(default_factory=deque)
    deaths: Counter[tuple[int, int]] = field(default_factory=Counter)
    given_up: list[str] = field(default_factory=list)
    stillborn: int = 0
    told: set[str] = field(default_factory=set)

    def work(self, shards: Iterator[Shard]) -> Iterator[tuple[Shard, CellColumns]]:
        """Hand out shards and yield them as they come back, in any order.

        Raises:
            RunFailed: No replica could be made; or several died over a shard, once all others are done.
        """
        # As many as there may be replicas: whether there are fewer shards than that must be known at once.
        self.ahead.extend(islice(shards, self.size))
        more = len(self.ahead) == self.size
        for _ in self.ahead:  # no more replicas than shards
            self._hire()
        looks = 0
        while (more := self._hand_out(shards, more)) or self.tasks or self.ahead or self.suspects:
            done = self.cluster.wait([*self.tasks, *self.coming], LOOK)
            # With a replica, a shard may simply take long, and the runner then asks whether it is stopped.
            looks = 0 if done or self.hands else looks + 1
            if looks and self.listener.stopped():
                return
            if looks == LOOKS:
                self._once("waiting for the cluster to have room for the detectors", self.listener.tell)
            for ticket in done:
                if ticket in self.coming:
                    self._welcome(ticket)
                elif (result := self._receive(ticket)) is not None:
                    yield result
        if self.given_up:
            raise RunFailed("; ".join(self.given_up) + ". All else is finished and kept")

    def dismiss(self) -> None:
        """Free the cluster."""
        for replica in [*self.hands, *self.coming.values()]:
            self.cluster.dismiss(replica)

    def _hire(self) -> None:
        replica, ticket = self.cluster.hire()
        self.coming[ticket] = replica

    def _hand_out(self, shards: Iterator[Shard], more: bool) -> bool:
        """Fill the replicas' hands, the emptiest first; say whether there may be more shards."""
        for held in range(self.in_hand):
            for replica in self._with(held):
                coming = len(self.coming) if held else 0  # they get a first one before others a second one
                shard = self.ahead.popleft() if len(self.ahead) > coming else next(shards, None)
                if shard is None:
                    more = False
                    break
                self._give(replica, shard)
        # Last, and on replicas without other work: see the class.
        if not (more or self.ahead):
            for replica, _ in zip(self._with(0), list(self.suspects), strict=False):
                self._give(replica, self.suspects.popleft())
        return more

    def _with(self, held: int) -> list[Replica]:
        """List the replicas that are at work on so many shards."""
        return [replica for replica, number in self.hands.items() if number == held]

    def _give(self, replica: Replica, shard: Shard) -> None:
        self.hands[replica] += 1
        self.tasks[self.cluster.give(replica, shard)] = shard, replica

    def _welcome(self, ticket: Ticket) -> None:
        """Put a replica to work; of one that died before, ask for another, but not for ever."""
        replica = self.coming.pop(ticket)
        try:
            self.cluster.collect(ticket)
        except Lost as loss:
            self.cluster.dismiss(replica)
            # Not for ever: on a node that lacks a package every replica fails.
            self.stillborn += 1
            if self.stillborn < TRIES * self.size:
                self._replace(f"a replica of the detectors was lost before it was ready: {loss}")
            elif not (self.hands or self.coming):
                raise RunFailed(f"no replica of the detectors could be made: {loss}") from loss
        else:
            self.hands[replica] = 0

    def _receive(self, ticket: Ticket) -> tuple[Shard, CellColumns] | None:
        """Take a result in, if there is one."""
        shard, replica = self.tasks.pop(ticket)
        try:
            scored, notes = self.cluster.collect(ticket)
        except Lost as loss:
            key = shard.task, shard.start
            self.deaths[key] += 1
            if self.deaths[key] < TRIES:
                self.suspects.append(shard)
            else:
                files = f"the {shard.images} files from '{shard.requests[0].paths[0]}' on"
                self.given_up.append(f"{TRIES} replicas were lost over {files} ({loss})")
            # One loss shows at every shard that the replica had: it is replaced at the first.
            if self.hands.pop(replica, None) is not None:
                self.cluster.dismiss(replica)  # it may live on out of reach, and hold what it takes
                self._replace("a replica of the detectors was lost; its shards go to others")
            return None
        if replica in self.hands:  # it may have been lost over another shard since
            self.hands[replica] -= 1
        for note in notes:
            self._once(note, self.listener.note)
        self.listener.advance(shard.images)
        return shard, scored

    def _replace(self, why: str) -> None:
        self._once(why, self.listener.tell)
        self._hire()

    def _once(self, text: str, tell: Callable[[str], None]) -> None:
        """Pass on a text, each once."""
        if text not in self.told:
            self.told.add(text)
            tell(text)
