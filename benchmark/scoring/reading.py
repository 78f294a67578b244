"""Batches read ahead of the model, by processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from forenbench.errors import RunFailed
from forenbench.images.effort import max_seconds
from forenbench.registry.guests import reason

from .batches import Batch, ReadRequest
from .fatal_files import fork_beside_threads, without_deadly_files
from .parcels import Parcel
from .patience import Patience

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from .preparing import Reader

_AHEAD = 2
"""Batches that each reader process may have finished or in hand: memory stays flat for data of any size."""


def reader_processes(device: str) -> int:
    """Say how many reader processes go with one model.

    A model on the CPU has use for all cores: more readers than one gain nothing, and that one is there to
    die of a fatal file in the run's place (docs/performance.md). A GPU is to be fed by all cores but one.
    """
    if sys.platform != "linux":
        return 0  # elsewhere a process cannot be forked safely, and plugin files cannot be sent to a new one
    cores = len(os.sched_getaffinity(0))
    return 1 if device == "cpu" else max(1, min(cores - 1, 16))


def read_ahead(
    reader: Reader,
    requests: Iterable[ReadRequest],
    processes: int,
    *,
    pin: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[Batch]:
    """Carry out requests in reader processes and yield the batches in their order.

    Args:
        reader: What the processes need; they are forked, so nothing of it is copied.
        requests: Taken one by one, only so far ahead that the processes have work.
        processes: How many; with 0, batches are read here, each when it is asked for.
        pin: Move batches to page-locked memory, for a GPU.
        tell: Told, once each, what goes otherwise than usual.

    A reader process that dies, with whatever status, is replaced, and so is one that takes longer over a step
    than `max_seconds`. Files that do so every time, as broken ones may that a decoder does not survive, are
    found and left alone. Where no processes can be had, this one reads, without a limit of time.

    Raises:
        RunFailed: Processes are killed over files none of which does it alone.
    """
    if not processes:
        yield from map(reader.__getitem__, requests)
        return
    tell = cache(tell)
    noted, died_over = _Requests(iter(requests)), list[ReadRequest]()
    while True:
        try:
            for parcel in _read(reader, noted, processes, pin=pin):
                batch = _open(parcel, tell)
                noted.waiting.popleft()
                yield batch
            return
        except _NoProcesses as error:
            tell(f"no reader processes can be had ({error}): this process reads, which is slower")
            noted.hand_out_again(tuple(noted.waiting))
            yield from map(reader.__getitem__, noted)
            return
        except _Died as error:
            again = [without_deadly_files(reader, request) for request in noted.waiting]
            if again and again[:1] == died_over:
                raise RunFailed(_unexplained(noted.waiting[0], error)) from error
            died_over = again[:1]
            noted.hand_out_again(again)


class _Died(Exception):
    """A reader process ended, or what it sent cannot be had."""


class _NoProcesses(Exception):
    """Reader processes cannot be started."""


@dataclass(slots=True)
class _Requests:
    """Orders, each kept from when it is handed out until its batch is here.

    Attributes:
        requests: Those that were never handed out.
        waiting: Those that were.
        again: Those that are to be handed out once more.
        broken: An error came from what makes the requests.
    """

    requests: Iterator[ReadRequest]
    waiting: deque[ReadRequest] = field(default_factory=deque)
    again: deque[ReadRequest] = field(default_factory=deque)
    broken: bool = False

    def __iter__(self) -> Iterator[ReadRequest]:
        return self

    def __next__(self) -> ReadRequest:
        try:
            self.waiting.append(self.again.popleft() if self.again else next(self.requests))
        except Exception as error:
            self.broken = not isinstance(error, StopIteration)
            raise
        return self.waiting[-1]

    def hand_out_again(self, requests: Iterable[ReadRequest]) -> None:
        """Begin anew with these, in place of those that were handed out."""
        self.again.extendleft(reversed([*requests]))
        self.waiting.clear()


def _unexplained(request: ReadRequest, error: Exception) -> str:
    return (
        f"reader processes die over the {len(request.paths)} files from '{request.paths[0]}' on, but over "
        f"none of them alone ({reason(error)}): there may be too little memory, which --readers 0 needs "
        "less of. What is finished is kept"
    )


def _open(parcel: Parcel | Batch, tell: Callable[[str], None]) -> Batch:
    """Take a batch out of what came from a reader process."""
    if isinstance(parcel, Batch):  # pinned, and so opened
        return parcel
    if parcel.memory is not None:
        tell(
            "batches do not fit into shared memory (/dev/shm) and are copied instead, which is slower; "
            "docker run --shm-size 1g makes it larger"
        )
    try:
        return parcel.open()
    except (OSError, EOFError) as error:
        raise _Died(reason(error)) from error


def _read(reader: Reader, requests: _Requests, processes: int, *, pin: bool) -> Iterator[Parcel | Batch]:
    """Run PyTorch's loader: processes, shared memory, bounded queues, and the order kept."""
    import torchvision.transforms  # noqa: F401  # detectors prepare with it: else every new process imports it
    from torch.utils.data import DataLoader

    loader: DataLoader[Parcel | Batch] = DataLoader(
        cast("Dataset[Batch]", reader),  # whatever can be indexed by a request
        sampler=requests,
        batch_size=None,
        collate_fn=Parcel.of,  # type: ignore[arg-type]  # a batch as it is, for there is no batch size
        num_workers=processes,
        prefetch_factor=_AHEAD,
        multiprocessing_context="fork",
        worker_init_fn=partial(_begin, reader.patience),
        pin_memory=pin,
    )
    try:
        multiprocessing.get_context("fork").Lock()  # what the loader trips over where there is no /dev/shm
        with fork_beside_threads(), _same_child_handler():
            batches = iter(loader)
    except OSError as error:
        if requests.broken:
            raise
        raise _NoProcesses(reason(error)) from error
    try:
        yield from batches
    except (OSError, EOFError, RuntimeError) as error:
        if requests.broken or not _is_death(error):
            raise
        raise _Died(reason(error)) from error


def _is_death(error: Exception) -> bool:
    """Tell a reader that is gone, or out of reach, from an error in it, which PyTorch passes on as well."""
    passed_on = "in DataLoader worker process" in str(error)
    words = ("DataLoader worker (pid", "Too many open files", "pin memory thread")
    return not passed_on and (not isinstance(error, RuntimeError) or any(one in str(error) for one in words))


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


def _begin(patience: Patience, _process: int) -> None:
    """Prepare a reader process to end over a step that takes too long, and not to end by Ctrl-C.

    That reaches every process of a terminal; the readers are needed until the part in hand is done.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    patience.keep(max_seconds())
