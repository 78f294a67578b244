"""From options to an engine: this process alone, one for each device, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.errors import BenchError
from forenbench.files.sizes import parse_size

from .devices import choose_devices, split_devices
from .kept_memory import is_wanted
from .workers import Workplace, workers

if TYPE_CHECKING:
    from .engines import Engine
    from .features import FeatureCache
    from .gathering import Gathered


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The options that say what scores.

    Attributes:
        name: One of `forenbench.scoring.engines.ENGINES`.
        device: One, several with commas between, or ``auto``: every GPU.
        readers: Processes that read files; None: as many as help.
        features: How large the cache of features may grow, as `parse_size` reads it; empty: as usual.
        address: Of the Ray cluster.
        replica_cpus: Cores of each of its replicas; None: as many as go with it.
    """

    name: str
    device: str
    readers: int | None = None
    features: str = ""
    address: str = "auto"
    replica_cpus: int | None = None

    def __post_init__(self) -> None:
        from forenbench.scoring.engines import check_name

        check_name(self.name)
        self.room()
        is_wanted()
        # Refused here, before networks are loaded, which takes minutes.
        if self.name == "ray" and self.device not in ("auto", "cpu", "cuda"):
            raise BenchError(
                f"device '{self.device}' with engine ray: each replica has a GPU of its own, or none; "
                "say auto, cpu or cuda"
            )
        if self.name == "ray" and self.readers is not None:
            raise BenchError(
                "readers are for engine local; replicas read with their own cores (replica_cpus)"
            )
        if self.name == "local":
            split_devices(self.device)

    def devices(self) -> list[str]:
        """Say which devices of this machine score; on a cluster, none but where things are loaded to look.

        Raises:
            BenchError: One is not there.
        """
        return choose_devices(self.device) if self.name == "local" else ["cpu"]

    def room(self) -> int | None:
        """Return the bytes that the cache of features may take; None: as many as usual.

        Raises:
            BenchError: It is no size.
        """
        return parse_size(self.features) if self.features else None

    def cache(self) -> FeatureCache:
        """Open the cache of features."""
        from .features import user_cache

        return user_cache(self.room())


@contextmanager
def working(
    choice: EngineChoice, workplace: Workplace, gathered: Gathered, tell: Callable[[str], None]
) -> Iterator[Engine]:
    """Make the engine, and have further devices work along.

    Args:
        choice: Which engine.
        workplace: What it works at.
        gathered: The same, loaded.
        tell: Told of what went otherwise than usual.
    """
    from forenbench.scoring.engines import EngineRequest, make_engine

    from .gathering import reloading

    request = EngineRequest(
        detectors=[loaded for job in gathered.jobs for loaded in job.detectors],
        load=reloading(gathered, workplace.means),
        device=workplace.means.device if choice.name == "local" else choice.device,
        precision=workplace.settings.precision,
        features=choice.cache().limit,
        readers=choice.readers,
        address=choice.address,
        replica_cpus=choice.replica_cpus,
    )
    with workers(workplace, request.features, tell), make_engine(choice.name, request) as engine:
        yield engine
