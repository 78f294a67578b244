"""Workers: a process for each further device of this machine, at work on the same run folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .gathering import Means, Request, gather
from .interrupts import STOPPED, stopping
from .outcome import Silent

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from forenbench.records.store import Store

    from .plan import RunSettings


@dataclass(frozen=True, slots=True)
class Workplace:
    """A run's request, means and folder, as further processes need them; and the devices these get."""

    request: Request
    means: Means
    settings: RunSettings
    store: Store
    further_devices: Sequence[str]


@contextmanager
def workers(workplace: Workplace, features: int, tell: Callable[[str], None]) -> Iterator[None]:
    """Have further processes, one a device, score parts of the same run while this one does.

    They share the work by the locks of the run folder. One that dies leaves its parts to the others.

    Args:
        workplace: What they work at, and on which devices.
        features: Bytes of features that the cache may hold.
        tell: Told of those that died.
    """
    if not workplace.further_devices:
        yield
        return
    spawning = multiprocessing.get_context("spawn")
    ended = spawning.Event()
    processes = [
        spawning.Process(
            target=_work,
            args=(workplace, device, features, os.getpid(), ended),
            name=f"the process on {device}",
        )
        for device in workplace.further_devices
    ]
    heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)  # by them, until `_work` is ready for it
    for process in processes:
        process.start()
    signal.signal(signal.SIGINT, heeded)
    try:
        yield
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    finally:
        ended.set()  # Ctrl-C may have reached this process alone
        for process in processes:
            process.join()
    for process in processes:
        if process.exitcode not in (0, STOPPED):
            tell(f"{process.name} ended with status {process.exitcode}; others did its work")


def _work(workplace: Workplace, device: str, features: int, parent: int, ended: Event) -> None:
    """Score the same request, without a word, as long as the process that the user started goes on."""
    from .engines.local import LocalEngine
    from .features import user_cache
    from .numerics import Numerics
    from .reading import reader_processes
    from .runner import run

    with stopping(lambda text: None) as stop:
        settings = workplace.settings
        means = replace(workplace.means, device=device)
        jobs = gather(workplace.request, means, lambda what, done, total: None).jobs
        numerics = Numerics(device, settings.precision)
        engine = LocalEngine(numerics, user_cache(features), reader_processes(device))

        def stopped() -> bool:
            return stop() or ended.is_set() or os.getppid() != parent

        run(jobs, settings, workplace.store, engine, Silent(stopped))
