"""Workers: a process for each further device of this machine, at work on the same run folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .interrupts import STOPPED, stopping
from .outcome import Silent

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from forenbench.records.store import Store

    from .plan import RunSettings
    from .run_request import Means, Request


@dataclass(frozen=True, slots=True)
class Workplace:
    """A run's request, means and folder, as further processes need them; and the devices these get."""

    request: Request
    means: Means
    settings: RunSettings
    store: Store
    further_devices: Sequence[str]

    def work(self, device: str, features: int, parent: int, ended: Event) -> None:
        """Score on one device, silently, as long as the process that the user started goes on.

        Args:
            device: One of the further ones.
            features: Bytes of features that the cache may hold.
            parent: Id of the process that the user started.
            ended: Set when that one is done.
        """
        from .engines.local import LocalEngine
        from .features import user_cache
        from .gathering import gather
        from .numerics import Numerics
        from .reading import reader_processes
        from .runner import run

        with stopping(lambda text: None) as stop:
            gathered = gather(self.request, replace(self.means, device=device), lambda *_: None)
            numerics = Numerics(device, self.settings.precision)
            engine = LocalEngine(numerics, user_cache(features), reader_processes(device))

            def stopped() -> bool:
                # Of an orphan the parent is another process: the one that the user started was killed.
                return stop() or ended.is_set() or os.getppid() != parent

            run(gathered.jobs, self.settings, self.store, engine, Silent(stopped))


@contextmanager
def workers(workplace: Workplace, features: int, tell: Callable[[str], None]) -> Iterator[None]:
    """Have further processes, one a device, score shards of the same run while this one does.

    They share the work by the locks of the run folder. One that dies leaves its shards to the others.

    Args:
        workplace: What they work at, and on which devices.
        features: Bytes of features that the cache may hold.
        tell: Told of those that died.
    """
    if not workplace.further_devices:
        yield
        return
    # Started anew, not forked: CUDA cannot be used in a fork of a process that has used it.
    spawning = multiprocessing.get_context("spawn")
    ended = spawning.Event()
    processes = [
        spawning.Process(
            target=workplace.work,
            args=(device, features, os.getpid(), ended),
            name=f"the process on {device}",  # as it is called below, should it die
        )
        for device in workplace.further_devices
    ]
    # Inherited as ignored, until `work` is ready: in a terminal Ctrl-C reaches them, too, and would end them
    # with a traceback while they import torch.
    heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in processes:
        process.start()
    signal.signal(signal.SIGINT, heeded)
    try:
        yield
        ended.set()  # Ctrl-C may have reached this process alone
        for process in processes:
            process.join()
    except BaseException:
        # A second Ctrl-C comes while this one waits, too. Left to itself, a process that is still starting
        # would find that what it shares with this one is gone, and say so with a traceback.
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        raise
    for process in processes:
        if process.exitcode not in (0, STOPPED):
            tell(f"{process.name} ended with status {process.exitcode}; others did its work")
