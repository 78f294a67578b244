"""Engines: where shards are scored. All take the same shards and give the same results."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from forenbench.errors import BenchError
from forenbench.registry import Registry, uncallable
from forenbench.registry.guests import contained, reason

if TYPE_CHECKING:  # a name is looked up before PyTorch is loaded, which these bring
    from forenbench.plugins.loaded import LoadedDetector
    from forenbench.scoring.batches import CellColumns, CellResults
    from forenbench.scoring.lineup import Lineup
    from forenbench.scoring.outcome import Listener
    from forenbench.scoring.plan import Shard
    from forenbench.types import Source


class Engine(Protocol):
    """Scores shards."""

    @property
    def device_name(self) -> str:
        """What scores, in words, for the records: ``cuda:1``, ``Ray cluster, cpu``."""
        ...

    def score(
        self, lineup: Lineup, sources: Sequence[Source], shards: Iterable[Shard], listener: Listener
    ) -> Generator[tuple[Shard, CellResults | CellColumns]]:
        """Take shards one by one, no further ahead than needed, and yield each when it is scored.

        Results that come from another process cross faster in columns.

        Args:
            lineup: The detectors and perturbations.
            sources: Where the shards' files are, by the index in their requests.
            shards: The work.
            listener: Told of progress.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What an engine is made for; it may leave aside what does not concern it.

    Attributes:
        detectors: As this process has loaded them, in the order of the lineup.
        load: Loads the same anew on a device, in whatever process or machine it is called; picklable.
        device: As on the command line; of the local engine, the one that this process scores on.
        precision: See `forenbench.scoring.numerics.Numerics`.
        features: Bytes of encoders' features that a user's cache may keep; 0: none.
        readers: Processes that read files; None: as many as help.
        address: As on the command line.
        replica_cpus: Likewise.
    """

    detectors: Sequence[LoadedDetector]
    load: Callable[[str], list[LoadedDetector]]
    device: str
    precision: str
    features: int
    readers: int | None = None
    address: str = "auto"
    replica_cpus: int | None = None


EngineMaker = Callable[[EngineRequest], AbstractContextManager[Engine]]


def make_engine(name: str, request: EngineRequest) -> AbstractContextManager[Engine]:
    """Make an engine by its name; it is open as long as the context that is returned.

    Raises:
        BenchError: There is none, or it cannot be used here.
    """
    found = ENGINES.find(name)
    assert found.thing is not None
    # Only code of others is contained: an error in ours is a fault that has to be seen with its traceback.
    if not found.entry.is_added:
        return found.thing(request)
    try:
        with contained():
            return found.thing(request)
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(
            f"engine '{name}' ({found.entry.package}) cannot be made: {reason(error)}"
        ) from error


def check_name(name: str) -> None:
    """Refuse an unknown name, before anything is loaded for it.

    Raises:
        BenchError: There is no such engine, or it cannot be used.
    """
    ENGINES.find(name)


def _ours(target: str, lack: str, request: EngineRequest) -> AbstractContextManager[Engine]:
    """Import one of our own when it is asked for, for its libraries may be absent."""
    # By name and not by an import statement, which would close a circle: engines import this module.
    try:
        maker: EngineMaker = pkgutil.resolve_name(target)
    except ImportError as error:
        raise BenchError(lack) from error
    return maker(request)


ENGINES: Registry[EngineMaker] = Registry(
    "engine",
    "forenbench.engines",
    uncallable,
    {
        # Its libraries are those of the whole package, so of it nothing can be absent.
        "local": partial(
            _ours, "forenbench.scoring.engines.local:local_engine", "the local engine is absent"
        ),
        "ray": partial(
            _ours,
            "forenbench.scoring.engines.ray:ray_engine",
            "engine ray needs Ray: pip install 'forenbench[ray]'",
        ),
    },
)
