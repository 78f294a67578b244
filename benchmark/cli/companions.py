"""Further devices of this machine: a process for each, at work on the same run folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from .console import say
from .requests import Means, Request, gather

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from forenbench.records.store import Store
    from forenbench.scoring.plan import RunSettings
    from forenbench.types import TestSet

_STOPPED = 130


@dataclass(frozen=True, slots=True)
class Workplace:
    """A run's request, means and folder, as further processes need them; and the devices these get."""

    request: Request
    means: Means
    settings: RunSettings
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
        if process.exitcode not in (0, _STOPPED):
            say(f"note: {process.name} ended with status {process.exitcode}; others did its work", "yellow")


def _work(workplace: Workplace, device: str, features: int, parent: int, ended: Event) -> None:
    """Do what ``bench run`` does, without a word, as long as the process that the user started goes on."""
    from forenbench.scoring.engines.local import LocalEngine
    from forenbench.scoring.features import user_cache
    from forenbench.scoring.numerics import Numerics
    from forenbench.scoring.reading import reader_processes
    from forenbench.scoring.runner import run

    from .interrupts import stopping

    try:
        with stopping(lambda text: None) as stop:
            settings = workplace.settings
            means = replace(workplace.means, device=device)
            jobs = gather(workplace.request, means, lambda what, done, total: None).jobs
            numerics = Numerics(device, settings.precision)
            engine = LocalEngine(numerics, user_cache(features), reader_processes(device))

            def stopped() -> bool:
                return stop() or ended.is_set() or os.getppid() != parent

            run(jobs, settings, workplace.store, engine, _Silent(), stopped)
    except typer.Exit as left:  # Ctrl-C twice; to multiprocessing it is an error like any other
        sys.exit(left.exit_code)


@dataclass
class _Silent:
    """The process that the user started tells of everybody's progress."""

    def begin(self, cells: int, present: int, images: int) -> None: ...

    def testset(self, testset: TestSet, cells: int) -> None: ...

    def stored(self, cells: int) -> None: ...

    def advance(self, images: int) -> None: ...

    def skip(self, images: int) -> None: ...

    def note(self, text: str) -> None: ...
