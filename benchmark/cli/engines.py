"""From options to an engine: this process alone, one for each device, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forenbench.types import BenchError

from .companions import companions
from .requests import Gathered, Means, Request, reloading

if TYPE_CHECKING:
    from forenbench.engines import Engine
    from forenbench.plan import Settings
    from forenbench.store import Store


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The options that say what scores.

    Attributes:
        name: "local" or "ray".
        device: As on the command line.
        readers: Processes that read files; None: as many as help.
        address: Of the Ray cluster.
        replica_cpus: Cores of each of its replicas.
    """

    name: str
    device: str
    readers: int | None
    address: str
    replica_cpus: int

    def __post_init__(self) -> None:
        if self.name not in ("local", "ray"):
            raise BenchError(f"--engine '{self.name}' is neither local nor ray")


@dataclass(frozen=True, slots=True)
class Workplace:
    """A run's request, means and folder, as further processes need them; and the devices these get."""

    request: Request
    means: Means
    settings: Settings
    store: Store
    further_devices: Sequence[str]


@contextmanager
def working(choice: EngineChoice, workplace: Workplace, gathered: Gathered) -> Iterator[Engine]:
    """Make the engine, and have further devices work along."""
    from forenbench.numerics import Numerics

    settings = workplace.settings
    device = workplace.means.device
    if choice.name == "ray":
        yield _ray(choice, workplace, gathered)
        return
    from forenbench.engines.local import LocalEngine
    from forenbench.reading import reader_processes

    readers = reader_processes(device) if choice.readers is None else choice.readers
    with companions(workplace.further_devices, workplace.request, workplace.means, settings, workplace.store):
        yield LocalEngine(Numerics(device, settings.precision), readers)


def _ray(choice: EngineChoice, workplace: Workplace, gathered: Gathered) -> Engine:
    """Make the engine of a cluster."""
    try:
        from forenbench.engines.ray import RayEngine
    except ImportError as error:
        raise BenchError("--engine ray needs Ray: pip install 'forenbench[ray]'") from error
    loaded = [one for job in gathered.jobs for one in job.detectors]
    load = reloading(workplace.request, workplace.means, gathered)
    precision = workplace.settings.precision
    return RayEngine(loaded, load, choice.device, precision, choice.address, choice.replica_cpus)
