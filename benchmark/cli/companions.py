"""Further devices of this machine: a process for each, at work on the same run folder."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .console import say
from .requests import Means, Request, gather

if TYPE_CHECKING:
    from forenbench.plan import Settings
    from forenbench.store import Store
    from forenbench.types import TestSet

_STOPPED = 130


@dataclass(frozen=True, slots=True)
class Workplace:
    """A run's request, means and folder, as further processes need them; and the devices these get."""

    request: Request
    means: Means
    settings: Settings
    store: Store
    further_devices: Sequence[str]


@contextmanager
def companions(workplace: Workplace, features: int) -> Iterator[None]:
    """Have further processes, one a device, score parts of the same run while this one does.

    They share the work by the locks of the run folder. One that dies leaves its parts to the others.

    Args:
        workplace: What they work at, and on which devices.
        features: Bytes of features that the cache may hold.
    """
    spawning = multiprocessing.get_context("spawn")
    processes = [
        spawning.Process(
            target=_work,
            args=(workplace, device, features, os.getpid()),
            name=f"bench run on {device}",
        )
        for device in workplace.further_devices
    ]
    for process in processes:
        process.start()
    try:
        yield
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        for process in processes:
            process.join()
    for process in processes:
        if process.exitcode not in (0, _STOPPED):
            say(f"note: {process.name} ended with status {process.exitcode}; others did its work", "yellow")


def _work(workplace: Workplace, device: str, features: int, parent: int) -> None:
    """Do what ``bench run`` does, without a word, as long as the process is there that the user started."""
    from forenbench.engines.local import LocalEngine
    from forenbench.features import user_cache
    from forenbench.numerics import Numerics
    from forenbench.reading import reader_processes
    from forenbench.runner import run

    from .interrupts import stopping

    settings = workplace.settings
    means = replace(workplace.means, device=device)
    jobs = gather(workplace.request, means, lambda what, done, total: None).jobs
    numerics = Numerics(device, settings.precision)
    engine = LocalEngine(numerics, user_cache(features), reader_processes(device))
    with stopping(lambda text: None) as stop:
        run(jobs, settings, workplace.store, engine, _Silent(), lambda: stop() or os.getppid() != parent)


@dataclass
class _Silent:
    """The process that the user started tells of everybody's progress."""

    def begin(self, cells: int, present: int, images: int) -> None: ...

    def testset(self, testset: TestSet, cells: int) -> None: ...

    def advance(self, images: int) -> None: ...

    def skip(self, images: int) -> None: ...

    def note(self, text: str) -> None: ...
