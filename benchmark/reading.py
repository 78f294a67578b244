"""Batches read ahead of the model, by processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

from .batches import Batch, Order, Reader
from .types import RunFailed

if TYPE_CHECKING:
    from torch.utils.data import Dataset

T = TypeVar("T")
_AHEAD = 2
"""Batches that each reader process may have finished or in hand: memory stays flat for data of any size."""


def reader_processes(device: str) -> int:
    """Say how many reader processes go with one model.

    A model on the CPU has use for all cores: more readers than one gain nothing, and that one is there to
    die of a deadly file in the run's place (docs/performance.md). A GPU is to be fed by all cores but one.
    """
    if sys.platform != "linux":
        return 0  # elsewhere a process cannot be forked safely, and plugin files cannot be sent to a new one
    cores = len(os.sched_getaffinity(0))
    return 1 if device == "cpu" else max(1, min(cores - 1, 16))


def read_ahead(
    reader: Reader, orders: Iterable[Order], processes: int, *, pin: bool = False
) -> Iterator[Batch]:
    """Carry out orders in reader processes and yield the batches in the order of the orders.

    Args:
        reader: What the processes need; they are forked, so nothing of it is copied.
        orders: Taken one by one, only so far ahead that the processes have work.
        processes: How many; with 0, batches are read here, each when it is asked for.
        pin: Move batches to page-locked memory, for a GPU.

    A reader process that is killed is replaced. Files that kill it every time, as broken ones may that a
    decoder does not survive, are found and left alone.

    Raises:
        RunFailed: Processes are killed over files none of which does it alone.
    """
    if not processes:
        yield from map(reader.__getitem__, orders)
        return
    waiting: deque[Order] = deque()
    remaining, killed_over = iter(orders), None
    while True:
        again = tuple(waiting)
        waiting.clear()
        try:
            for batch in _read(reader, _noted(chain(again, remaining), waiting), processes, pin=pin):
                waiting.popleft()
                yield batch
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            waiting = deque(_without_deadly_files(reader, order) for order in waiting)
            if waiting[0] == killed_over:
                raise RunFailed(_killed(killed_over, error)) from error
            killed_over = waiting[0]


def _without_deadly_files(reader: Reader, order: Order) -> Order:
    """Read files one by one, each in a process of its own, and mark those that kill it."""
    places = [
        at for at in range(len(order.paths)) if at not in order.deadly and _is_deadly(reader, order, at)
    ]
    return replace(order, deadly=(*order.deadly, *places))


def _is_deadly(reader: Reader, order: Order, position: int) -> bool:
    """Say whether one file kills the process that reads it."""
    at = slice(position, position + 1)
    alone = replace(order, paths=order.paths[at], sha256s=order.sha256s[at], deadly=())
    with _fork_beside_threads():
        process = multiprocessing.get_context("fork").Process(target=reader.__getitem__, args=(alone,))
        process.start()
    process.join()
    return process.exitcode != 0


def _killed(order: Order, error: RuntimeError) -> str:
    return (
        f"reader processes are killed over the {len(order.paths)} files from '{order.paths[0]}' on, but over "
        f"none of them alone ({str(error).splitlines()[0]}): there may be too little memory, or too little "
        "of it to share (/dev/shm), which --readers 0 does without. What is finished is kept"
    )


def _noted(orders: Iterable[Order], waiting: deque[Order]) -> Iterator[Order]:
    """Keep a list of the orders that were handed out."""
    for order in orders:
        waiting.append(order)
        yield order


def _read(reader: Reader, orders: Iterator[Order], processes: int, *, pin: bool) -> Iterator[Batch]:
    """Run PyTorch's loader: processes, shared memory, bounded queues, and the order kept."""
    import torchvision.transforms  # noqa: F401  # detectors prepare with it: else every new process imports it
    from torch.utils.data import DataLoader

    loader: DataLoader[Batch] = DataLoader(
        cast("Dataset[Batch]", reader),  # whatever can be indexed by an order
        sampler=orders,
        batch_size=None,
        collate_fn=_as_it_is,
        num_workers=processes,
        prefetch_factor=_AHEAD,
        multiprocessing_context="fork",
        worker_init_fn=_leave_signals_to_parent,
        pin_memory=pin,
    )
    with _fork_beside_threads(), _same_child_handler():
        batches = iter(loader)
    yield from batches


@contextmanager
def _fork_beside_threads() -> Iterator[None]:
    """Fork without a warning: readers call nothing that the threads of torch or rich may have locked."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        yield


@contextmanager
def _same_child_handler() -> Iterator[None]:
    """Undo the signal handler of PyTorch's loader, which tells of a killed process in the midst of anything.

    Without it the next request for a batch tells, within five seconds.
    """
    before = signal.getsignal(signal.SIGCHLD)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, before)


def sent_ahead(batches: Iterable[Batch], device: str) -> Iterator[Batch]:
    """Have each batch copied to a GPU while the one before it is computed; elsewhere, pass batches on."""
    if not device.startswith("cuda"):
        yield from batches
        return
    import torch

    copying, computing = torch.cuda.Stream(device), torch.cuda.current_stream(device)  # type: ignore[no-untyped-call]
    sent: Batch | None = None
    for batch in batches:
        with torch.cuda.stream(copying):
            batch.to(device)
        if sent is not None:
            yield sent
        computing.wait_stream(copying)
        batch.memory.record_stream(computing)  # else its memory might be given away too early
        sent = batch
    if sent is not None:
        yield sent


def _as_it_is(batch: T) -> T:
    return batch


def _leave_signals_to_parent(_process: int) -> None:
    """Ctrl-C in a terminal reaches every process; the readers are needed until the part in hand is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
