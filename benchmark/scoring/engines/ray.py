"""The Ray engine: replicas of the detectors on a cluster; this process, the driver, writes the rows.

Every node needs this package, the weights, and the data at the same path: a shared file system, or a copy.
See docs/scaling.md.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from textwrap import shorten
from typing import Any

import ray
import torch
from ray.exceptions import RayError, RayTaskError

from forenbench.errors import BenchError, RunFailed
from forenbench.plugins.loaded import LoadedDetector
from forenbench.records.environment import versions
from forenbench.scoring.batches import CellColumns
from forenbench.scoring.lineup import Lineup
from forenbench.scoring.numerics import Numerics, check_precision
from forenbench.scoring.outcome import Listener
from forenbench.scoring.plan import Shard
from forenbench.types import Source

from . import Engine, EngineRequest
from .replica import Load, Replica, Sent, Setup, identity
from .replicas import IN_HAND, Lost, ReplicaPool

_KNOCK = 10.0
"""Seconds in which the head of a cluster must answer."""
_READERS = 16
"""Cores, at most, that a replica on a GPU takes by itself."""


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
        cpus: Cores of each replica; None: one a thread of this process or, beside a GPU, its share of the
            node's.
    """

    loaded: Sequence[LoadedDetector]
    load: Load
    device: str = "auto"
    precision: str = "fp32"
    features: int = 0
    address: str = "auto"
    cpus: int | None = None

    @property
    def device_name(self) -> str:
        """What scores, for records; `auto` until the cluster is joined."""
        return f"Ray cluster, {_device(self.device) if ray.is_initialized() else self.device}"

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, CellColumns]]:
        """Score shards on all replicas; they come back as they are done, in any order."""
        taken = iter(shards)
        first = next(taken, None)
        if first is None:  # other processes hold all that is left: nothing to load a replica for
            return
        connect(self.address)
        nodes, device, threads = _nodes(), _device(self.device), torch.get_num_threads()
        check_precision(self.precision, [device])
        gpus = int(device == "cuda")
        cores = self.cpus or (share(nodes) if gpus else threads)
        if threads > cores and not gpus:
            listener.tell(
                f"replicas compute with {threads} threads, as this process does, on {cores} cores each; "
                f"OMP_NUM_THREADS={cores} before the command makes them fit"
            )
        setup = Setup(
            self.load,
            Lineup((), lineup.perturbations, lineup.seed),  # replicas load the detectors themselves
            sources,
            Numerics(device, self.precision),
            self.features,
            threads,
            [identity(loaded) for loaded in self.loaded],
            versions(),
        )
        # A shard for each thread that reads, beside the one that is scored. On CPUs the network takes all
        # cores, so one thread reads; a GPU takes what many read.
        in_hand = IN_HAND + gpus * (cores - 1)
        # Put into Ray's store once, or Ray would store it anew for each replica.
        cluster = _RayCluster({"num_cpus": cores, "num_gpus": gpus}, ray.put(setup), in_hand)
        pool = ReplicaPool(cluster, room(nodes, cores, gpus), listener, in_hand)
        try:
            yield from pool.work(chain([first], taken))
        finally:
            pool.dismiss()


@dataclass(frozen=True, slots=True)
class _RayCluster:
    """A cluster as a pool knows it: replicas are actors, tickets references."""

    resources: Mapping[str, float]
    setup: Any
    in_hand: int

    def hire(self) -> tuple[Any, Any]:
        # No restarts by Ray: a new actor would have to be asked `ready` again, and over which shards one died
        # is the pool's business. max_concurrency is the number of threads that may call it.
        actor = ray.remote(Replica).options(max_concurrency=self.in_hand, max_restarts=0, **self.resources)
        replica: Any = actor.remote(self.setup)
        return replica, replica.ready.remote()

    def give(self, replica: Any, shard: Shard) -> Any:  # noqa: ANN401 - Ray's own
        return replica.score.remote(shard)

    def wait(self, tickets: Collection[Any], seconds: float) -> Collection[Any]:
        return ray.wait(list(tickets), timeout=seconds)[0]

    def collect(self, ticket: Any) -> Any:  # noqa: ANN401 - Ray's own
        try:
            sent: Sent | None = ray.get(ticket)
            return sent and (sent.open(), sent.notes)
        except RayTaskError as error:
            if isinstance(error.cause, BenchError):
                raise RunFailed(f"a replica of the detectors: {error.cause}") from error
            raise Lost(f"{type(error.cause).__name__}: {error.cause}") from error
        except RayError as error:
            # Of the many lines of Ray's text the last says why, but for a remark that the actor "never ran".
            lines = [line for line in str(error).splitlines() if line.strip() and "never ran" not in line]
            why = shorten(lines[-1] if lines else type(error).__name__, 300, placeholder=" …")
            raise Lost(why) from error

    def dismiss(self, replica: Any) -> None:  # noqa: ANN401 - Ray's own
        ray.kill(replica)


@contextmanager
def session() -> Iterator[None]:
    """Leave, at the end, the cluster that was joined meanwhile; one started for this run ends."""
    joined_before = ray.is_initialized()
    try:
        yield
    finally:
        if not joined_before:
            ray.shutdown()


@contextmanager
def ray_engine(request: EngineRequest) -> Iterator[Engine]:
    """Make the engine of a cluster, and leave the cluster at the end."""
    with session():
        yield RayEngine(
            loaded=request.detectors,
            load=request.load,
            device=request.device,
            precision=request.precision,
            features=request.features,
            address=request.address,
            cpus=request.replica_cpus,
        )


def connect(address: str) -> None:
    """Join a cluster, or start one here; a program that has joined one stays with it.

    Raises:
        BenchError: There is none, or it is not of this version of Ray or Python.
    """
    if ray.is_initialized():
        return
    if address.startswith("ray://"):
        raise BenchError(
            f"address '{address}' is for Ray's client; run this on a node of the cluster, with host:port"
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray reports to its makers
    try:
        # Ray itself would try for ten minutes where nothing listens at host:port.
        given = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
        host, _, port = given.rpartition(":")
        if port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), _KNOCK).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, OverflowError, RuntimeError, ValueError, RayError) as error:
        raise BenchError(
            f"no Ray cluster at '{address}' that can be joined from here: {error}. 'ray start --head' makes "
            "one; address 'local' uses this machine alone"
        ) from error


def _nodes() -> list[dict[str, float]]:
    """List what each node has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _device(request: str) -> str:
    """Resolve ``auto`` by what the cluster has."""
    if request == "auto":
        return "cuda" if any(node.get("GPU") for node in _nodes()) else "cpu"
    return request


def share(nodes: Sequence[Mapping[str, float]]) -> int:
    """Say how many cores there are for each GPU, on the node that has least of them, up to 16."""
    shares = [node.get("CPU", 0) // node["GPU"] for node in nodes if node.get("GPU")]
    return int(max(1, min([_READERS, *shares])))


def room(nodes: Sequence[Mapping[str, float]], cores: int, gpus: int) -> int:
    """Say how many replicas the nodes have room for when they are idle.

    Raises:
        BenchError: None has room for one.
    """
    rooms = [node.get("CPU", 0) // cores for node in nodes]
    if gpus:
        rooms = [min(cpus, node.get("GPU", 0) // gpus) for cpus, node in zip(rooms, nodes, strict=True)]
    if not sum(rooms):
        there = ", ".join(sorted({f"{node.get('CPU', 0):g} and {node.get('GPU', 0):g}" for node in nodes}))
        raise BenchError(
            f"no node of the Ray cluster has room for a replica of {cores} cores and {gpus} GPUs; the nodes "
            f"have {there}. Ask for fewer cores (replica_cpus) or, without GPUs, set OMP_NUM_THREADS"
        )
    return int(sum(rooms))
