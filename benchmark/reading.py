"""Batches read ahead of the model, by processes of their own."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

from .batches import Batch, Order, Reader
from .types import BenchError

if TYPE_CHECKING:
    from torch.utils.data import Dataset

T = TypeVar("T")
_AHEAD = 2
"""Batches that each reader process may have finished or in hand: memory stays flat for data of any size."""


def reader_processes(device: str) -> int:
    """Say how many reader processes go with one model.

    A model on the CPU has use for all cores, so that one reader, which works while the model waits for
    memory, is enough (docs/performance.md); one on a GPU is to be fed by all cores but one.
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

    Raises:
        BenchError: A reader process was killed twice over the same files.
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
            for batch in _read(reader, _noted(chain(again, remaining), waiting), processes, pin):
                waiting.popleft()
                yield batch
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            first = waiting[0]
            if first is killed_over:
                raise BenchError(_killed(first, error)) from error
            killed_over = first


def _noted(orders: Iterable[Order], waiting: deque[Order]) -> Iterator[Order]:
    """Keep a list of the orders that were handed out."""
    for order in orders:
        waiting.append(order)
        yield order


def _read(reader: Reader, orders: Iterator[Order], processes: int, pin: bool) -> Iterator[Batch]:
    """Run PyTorch's loader: processes, shared memory, bounded queues, and the order kept."""
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
    with warnings.catch_warnings():
        # Forking beside threads: the readers call nothing that the threads of torch or rich may have locked.
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        batches = iter(loader)
    yield from batches


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


def _killed(order: Order, error: Exception) -> str:
    files = f"{len(order.paths)} files from '{order.paths[0]}' to '{order.paths[-1]}'"
    return (
        f"a reader process was killed twice over the same {files}, perhaps for want of memory "
        f"({str(error).splitlines()[0]}). Finished parts are kept"
    )
