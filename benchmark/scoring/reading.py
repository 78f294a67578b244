"""Batches read ahead of the model, by processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, cast

from forenbench.errors import RunFailed
from forenbench.files.forked import fork_beside_threads
from forenbench.registry.guests import reason

from .batches import Batch, ReadRequest
from .calls import Prepare
from .fatal_files import without_fatal_files
from .parcels import Parcel

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from .preparing import Reader


def reader_processes(device: str) -> int:
    """Say how many reader processes go with one model.

    A model on the CPU uses all cores: more readers than one gain nothing, and that one is there so that a
    fatal file kills it and not the run (docs/performance.md). A GPU is fed by all cores but one, at most 16.
    """
    if sys.platform != "linux":
        # On macOS a forked process may crash in the system's libraries, Windows cannot fork, and what a file
        # of the user defines cannot be pickled for a process that starts anew.
        return 0
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
            for batch in _read(reader, noted, processes, tell, pin=pin):
                # Batches come in the order of the requests, so this one was for the first that waits.
                noted.waiting.popleft()
                yield batch
            return
        except _NoProcesses as error:
            tell(f"no reader processes can be had ({error}): this process reads, which is slower")
            noted.hand_out_again(tuple(noted.waiting))
            yield from map(reader.__getitem__, noted)
            return
        except _Died as error:
            # PyTorch says that a process died, but not over which batch: all that were handed out are tried.
            again = [without_fatal_files(reader, request) for request in noted.waiting]
            if again and again[:1] == died_over:
                # Nothing new was found of the first batch, and the next readers would die over it again.
                first = noted.waiting[0]
                raise RunFailed(
                    f"reader processes die over the {len(first.paths)} files from '{first.paths[0]}' on, but "
                    f"over none of them alone ({reason(error)}): there may be too little memory; without "
                    "readers (0) a run needs less. What is finished is kept"
                ) from error
            died_over = again[:1]
            noted.hand_out_again(again)


class _Died(Exception):
    """A reader process ended, or what it sent cannot be had."""


class _NoProcesses(Exception):
    """Reader processes cannot be started."""


@dataclass(slots=True)
class _Requests:
    """Requests, each kept from when it is handed out until its batch is here.

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
            # PyTorch asks for requests amid its own work: without this mark an error of the run folder, say,
            # would be taken for one of the readers, and the run end as if it were whole.
            self.broken = not isinstance(error, StopIteration)
            raise
        return self.waiting[-1]

    def hand_out_again(self, requests: Iterable[ReadRequest]) -> None:
        """Begin anew with these, in place of those that were handed out."""
        self.again.extendleft(reversed([*requests]))
        self.waiting.clear()


def _read(
    reader: Reader, requests: _Requests, processes: int, tell: Callable[[str], None], *, pin: bool
) -> Iterator[Batch]:
    """Run PyTorch's loader: processes, shared memory, bounded queues, and the order kept."""
    from torch.utils.data import DataLoader

    _import_for(reader.prepares)
    loader: DataLoader[Parcel | Batch] = DataLoader(
        cast("Dataset[Batch]", reader),  # whatever can be indexed by a request
        sampler=requests,
        batch_size=None,
        collate_fn=Parcel.of,  # type: ignore[arg-type]  # a batch as it is, for there is no batch size
        num_workers=processes,
        prefetch_factor=reader.ahead,
        multiprocessing_context="fork",
        worker_init_fn=reader.patience.keep,
        pin_memory=pin,
    )
    try:
        # PyTorch's handler of SIGCHLD raises an error for a killed process in the midst of anything, so it is
        # undone: without it the next request for a batch tells, within five seconds.
        before = signal.getsignal(signal.SIGCHLD)
        multiprocessing.get_context("fork").Lock()  # what the loader trips over where there is no /dev/shm
        with fork_beside_threads():
            batches = iter(loader)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, before)
    except OSError as error:
        if requests.broken:
            raise
        raise _NoProcesses(reason(error)) from error
    try:
        for received in batches:
            if isinstance(received, Batch):  # it was pinned, and so opened
                yield received
                continue
            if received.why_copied:
                tell(
                    "batches cannot be shared between processes and are copied instead, which is slower: "
                    f"{received.why_copied}"
                )
            yield received.open()
    except (OSError, EOFError, RuntimeError) as error:
        # PyTorch (2.14) has no exception class for a reader that is gone, or out of reach: by its words it is
        # told from an error in a reader, which is passed on as well.
        words = ("DataLoader worker (pid", "Too many open files", "pin memory thread")
        passed_on = "in DataLoader worker process" in str(error)
        is_death = not isinstance(error, RuntimeError) or any(word in str(error) for word in words)
        if requests.broken or passed_on or not is_death:
            raise
        raise _Died(reason(error)) from error


def _import_for(prepares: Iterable[Prepare]) -> None:
    """Import what our detectors first need when they prepare an image: else every new process imports it."""
    # Others have mostly imported it by now, at their top; for those that need nothing of it, it takes longer
    # than to score hundreds of small images.
    if any(getattr(prepare, "__module__", "").startswith("forenbench.detectors.") for prepare in prepares):
        import torchvision.transforms  # noqa: F401


def sent_ahead(batches: Iterable[Batch], device: str) -> Iterator[Batch]:
    """Have each batch copied to a GPU while the one before it is computed; elsewhere, pass batches on."""
    if not device.startswith("cuda"):
        yield from batches
        return
    import torch

    # Copies have a stream of their own: in one stream they would wait for the networks of the batch before.
    copying, computing = torch.cuda.Stream(device), torch.cuda.current_stream(device)  # type: ignore[no-untyped-call]
    sent: Batch | None = None
    for batch in batches:
        with torch.cuda.stream(copying):
            batch.to(device)
        if sent is not None:
            yield sent
        computing.wait_stream(copying)
        # Else torch might give its memory to the next copy while networks still read it: the allocator knows
        # only the stream in which a tensor was made.
        batch.memory.record_stream(computing)
        sent = batch
    if sent is not None:
        yield sent
