"""From options to an engine: this process alone, one for each device, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.errors import BenchError

from .companions import Workplace, companions
from .requests import Gathered, reloading

if TYPE_CHECKING:
    from forenbench.scoring.engines import Engine
    from forenbench.scoring.features import FeatureCache


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The options that say what scores.

    Attributes:
        name: One of `forenbench.scoring.engines.ENGINES`.
        device: As on the command line.
        readers: Processes that read files; None: as many as help.
        features: How large the cache of features may grow, as `parse_size` reads it; empty: as usual.
        address: Of the Ray cluster.
        replica_cpus: Cores of each of its replicas; None: as many as go with it.
    """

    name: str
    device: str
    readers: int | None
    features: str
    address: str
    replica_cpus: int | None

    def __post_init__(self) -> None:
        from forenbench.scoring.engines import check_name

        check_name(self.name)
        if self.name == "ray" and self.device not in ("auto", "cpu", "cuda"):
            raise BenchError(
                f"--device '{self.device}' with --engine ray: each replica has a GPU of its own, or none; "
                "say auto, cpu or cuda"
            )
        if self.name == "ray" and self.readers is not None:
            raise BenchError(
                "--readers is for --engine local; replicas read with the cores of --replica-cpus"
            )

    def cache(self) -> FeatureCache:
        """Open the cache of features."""
        from forenbench.scoring.features import parse_size, user_cache

        return user_cache(parse_size(self.features) if self.features else None)


@contextmanager
def working(choice: EngineChoice, workplace: Workplace, gathered: Gathered) -> Iterator[Engine]:
    """Make the engine, and have further devices work along."""
    from forenbench.scoring.engines import EngineRequest, make_engine

    is_local, features = choice.name == "local", choice.cache().limit
    request = EngineRequest(
        detectors=[one for job in gathered.jobs for one in job.detectors],
        load=reloading(workplace.request, workplace.means, gathered),
        device=workplace.means.device if is_local else choice.device,
        precision=workplace.settings.precision,
        features=features,
        readers=choice.readers,
        address=choice.address,
        replica_cpus=choice.replica_cpus,
    )
    with companions(workplace, features), make_engine(choice.name, request) as engine:
        yield engine
