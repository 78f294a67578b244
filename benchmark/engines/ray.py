"""The Ray engine: replicas of the detectors on a cluster; rows go through the process that asked.

Every node needs this package, the weights, and the data at the same path: a shared file system, or a copy. A
replica that dies, with its node or alone, loses nothing: its shards go to the others.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ray
import torch
from ray import ObjectRef
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from forenbench.features import user_cache
from forenbench.numerics import Numerics
from forenbench.pipeline import Lineup, Scored, Scorer
from forenbench.plan import Shard
from forenbench.plugins import LoadedDetector
from forenbench.types import BenchError, RunFailed, Source

from . import Listener

Reference = ObjectRef[Any]
Handle = ActorHandle[Any]

_IN_HAND = 2
"""Shards that each replica has: one is read while another one is scored."""
_TRIES = 3
_LOOK = 10.0
"""Seconds after which a run without any replica says that it is waiting for one."""

Load = Callable[[str], list[LoadedDetector]]
"""Makes the run's detectors on a device, on whatever node it is called."""


class _Setup(NamedTuple):
    """What a replica is made of."""

    load: Load
    lineup_without_detectors: Lineup
    sources: Sequence[Source]
    numerics: Numerics
    features: int
    threads: int
    expected: Sequence[tuple[str, str, dict[str, str]]]


class _Replica:
    """Detectors on one node; an actor."""

    def __init__(self, setup: _Setup) -> None:
        self.setup = setup
        self.notes: list[str] = []
        self.turn = threading.Lock()

    def ready(self) -> None:
        """Load everything; what cannot be had is raised here, where it reaches the process that asked."""
        setup = self.setup
        torch.set_num_threads(setup.threads)  # as in that process: sums may depend on it
        loaded = setup.load(setup.numerics.device)
        _compare(loaded, setup.expected)
        chosen = setup.lineup_without_detectors
        lineup = Lineup([one.detector for one in loaded], chosen.perturbations, chosen.seed)
        self.scorer = Scorer(lineup, setup.numerics, user_cache(setup.features), self.notes.append)
        self.reader = lineup.reader(setup.sources)

    def score(self, shard: Shard) -> tuple[Scored, list[str]]:
        """Score a shard; reads while another call scores."""
        scored: Scored = {}
        for order in shard.orders:
            batch = self.reader[order]
            with self.turn:
                for place, results in self.scorer.score(batch, shard.todo).items():
                    scored.setdefault(place, []).extend(results)
        return scored, list(self.notes)


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Scores on a Ray cluster.

    Attributes:
        loaded: The detectors as this process has them: replicas must have the same.
        load: Makes them anew elsewhere.
        device: "cpu", "cuda" (one GPU a replica), or "auto": GPUs where the cluster has any.
        precision: See `Numerics`.
        features: Bytes of encoders' features that each node may keep in its user's cache; 0: none.
        address: Of the cluster; "local" starts one on this machine.
        cpus: Per replica.
    """

    loaded: Sequence[LoadedDetector]
    load: Load
    device: str = "auto"
    precision: str = "fp32"
    features: int = 0
    address: str = "auto"
    cpus: int = 1

    @property
    def place(self) -> str:
        """Where scores are made, for records."""
        return f"Ray cluster, {self.device}"

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, Scored]]:
        """Score shards on all replicas; they come back as they are done, in any order."""
        _connect(self.address)
        device = _device(self.device)
        setup = _Setup(
            self.load,
            Lineup((), lineup.perturbations, lineup.seed),
            sources,
            Numerics(device, self.precision),
            self.features,
            torch.get_num_threads(),
            [_identity(one) for one in self.loaded],
        )
        resources = {"num_cpus": self.cpus, "num_gpus": 1 if device == "cuda" else 0}
        crew = _Crew(resources, ray.put(setup), _room(resources), listener)
        try:
            yield from crew.work(iter(shards))
        finally:
            crew.dismiss()


@dataclass(slots=True)
class _Crew:
    """The replicas, and which shards each has in hand."""

    resources: Mapping[str, float]
    setup: Reference
    size: int
    listener: Listener
    coming: dict[Reference, Handle] = field(default_factory=dict)  # by the reference that says it is ready
    replicas: dict[Handle, int] = field(default_factory=dict)  # with the number of shards in hand
    tasks: dict[Reference, tuple[Shard, Handle]] = field(default_factory=dict)  # by the result's reference
    again: deque[Shard] = field(default_factory=deque)
    tries: Counter[tuple[int, int]] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)

    def work(self, shards: Iterator[Shard]) -> Iterator[tuple[Shard, Scored]]:
        """Hand out shards and yield them as they come back."""
        for _ in range(self.size):
            self._hire()
        more = True
        while True:
            more = self._hand_out(shards, more)
            if not (self.tasks or more or self.again):
                return
            done, _ = ray.wait([*self.tasks, *self.coming], timeout=_LOOK)
            if not done and not self.replicas:
                self._once("waiting for the Ray cluster to have room for the detectors", self.listener.tell)
            for reference in done:
                if reference in self.coming:
                    self._welcome(reference)
                elif scored := self._fetch(reference):
                    yield scored

    def _hire(self) -> None:
        """Ask the cluster for a replica."""
        actor = ray.remote(_Replica).options(max_concurrency=_IN_HAND, max_restarts=0, **self.resources)
        replica = actor.remote(self.setup)
        self.coming[replica.ready.remote()] = replica  # type: ignore[attr-defined, assignment]

    def _welcome(self, reference: Reference) -> None:
        """Put a replica to work, or report why it could not be made."""
        replica = self.coming.pop(reference)
        try:
            ray.get(reference)
        except RayTaskError as error:
            raise RunFailed(f"a replica could not be made: {error.cause}") from error
        except RayError:
            self._replace("a replica of the detectors was lost before it was ready")
        else:
            self.replicas[replica] = 0

    def _hand_out(self, shards: Iterator[Shard], more: bool) -> bool:
        """Fill the replicas' hands; say whether there are more shards."""
        for replica in list(self.replicas):
            while self.replicas[replica] < _IN_HAND and (self.again or more):
                shard = self.again.popleft() if self.again else next(shards, None)
                if shard is None:
                    more = False
                    break
                self.replicas[replica] += 1
                self.tasks[replica.score.remote(shard)] = shard, replica
        return more

    def _fetch(self, reference: Reference) -> tuple[Shard, Scored] | None:
        """Take a result in; of a replica that died, give its shard to another one."""
        shard, replica = self.tasks.pop(reference)
        try:
            scored, notes = ray.get(reference)
        except RayTaskError as error:
            raise RunFailed(f"scoring broke off at '{shard.orders[0].paths[0]}': {error.cause}") from error
        except RayError as error:
            self._lose(shard, replica, error)
            return None
        self.replicas[replica] -= 1
        for note in notes:
            self._once(note, self.listener.note)
        self.listener.advance(shard.images)
        return shard, scored

    def _lose(self, shard: Shard, replica: Handle, error: RayError) -> None:
        """Keep the shard of a dead replica, and replace the replica once."""
        place = shard.task, shard.start
        self.tries[place] += 1
        if self.tries[place] == _TRIES:
            raise RunFailed(
                f"{_TRIES} replicas died over the {shard.images} files from '{shard.orders[0].paths[0]}' on "
                f"({type(error).__name__}). What is finished is kept"
            ) from error
        self.again.append(shard)
        if self.replicas.pop(replica, None) is not None:
            self._replace("a replica of the detectors was lost; its shards go to others")

    def _replace(self, why: str) -> None:
        self._once(why, self.listener.tell)
        self._hire()

    def _once(self, text: str, tell: Callable[[str], None]) -> None:
        """Pass on a text, each once."""
        if text not in self.told:
            self.told.add(text)
            tell(text)

    def dismiss(self) -> None:
        """Free the cluster."""
        for replica in [*self.replicas, *self.coming.values()]:
            ray.kill(replica)


def _connect(address: str) -> None:
    """Connect to a cluster, or start one here."""
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BenchError(
            f"no Ray cluster at '{address}': {error}. 'ray start --head' makes one; --address local uses "
            "this machine alone"
        ) from error


def _device(request: str) -> str:
    """Resolve ``auto`` by what the cluster has."""
    if request == "auto":
        return "cuda" if _total().get("GPU") else "cpu"
    return request.partition(":")[0]


def _total() -> dict[str, float]:
    total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return total


def _room(resources: Mapping[str, float]) -> int:
    """Say how many replicas the cluster has room for when it is idle."""
    total = _total()
    room = min(
        int(total.get(kind, 0) // resources[name])
        for kind, name in (("CPU", "num_cpus"), ("GPU", "num_gpus"))
        if resources[name]
    )
    if not room:
        raise BenchError(f"the Ray cluster ({total}) has no room for a replica, which needs {resources}")
    return room


def _identity(loaded: LoadedDetector) -> tuple[str, str, dict[str, str]]:
    """Say what a detector is, for comparison between machines."""
    return loaded.name, f"{loaded.detector.version} {loaded.code}", dict(loaded.checkpoints)


def _compare(loaded: Sequence[LoadedDetector], expected: Sequence[tuple[str, str, dict[str, str]]]) -> None:
    """Refuse a node whose detectors are not those of the process that asked."""
    found = [_identity(one) for one in loaded]
    for one in expected:
        if one not in found:
            same = [other for other in found if other[0] == one[0]] or "nothing of that name"
            raise BenchError(f"a node lacks a detector of the run: it has {same}, not {one}")
