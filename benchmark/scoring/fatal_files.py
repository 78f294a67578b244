"""Which files end the process that reads them, or keep it for ever, and for which detectors."""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from forenbench.images.effort import TIME_LIMIT, max_seconds

from .batches import InputKey, ReadRequest

if TYPE_CHECKING:
    from .preparing import Reader

_DIED = "the process that read it was killed, or ended itself, each time"


def without_deadly_files(reader: Reader, request: ReadRequest) -> ReadRequest:
    """Read files one by one, each in a process of its own, and mark what ends it."""
    found = {
        (at, key): death for at in range(len(request.paths)) for key, death in _deadly(reader, request, at)
    }
    return replace(request, deadly={**request.deadly, **found})


def _deadly(reader: Reader, request: ReadRequest, position: int) -> Iterator[tuple[InputKey | None, str]]:
    """Yield the (perturbation, prepare) that a file is deadly to, and how; None: it is to all."""
    marked = {key: death for (at, key), death in request.deadly.items() if at == position}
    at = slice(position, position + 1)
    alone = replace(
        request,
        paths=request.paths[at],
        sha256s=request.sha256s[at],
        deadly={(0, key): death for key, death in marked.items()},
    )
    if None in marked or not (death := _death(reader, alone)):
        return
    keys = [(place, index) for place, indices in request.wanted for index in indices]
    deaths = [
        (key, _death(reader, replace(alone, wanted=((key[0], (key[1],)),))))
        for key in keys
        if key not in marked
    ]
    killers = [(key, one) for key, one in deaths if one]
    yield from [(None, death)] if len(killers) in (0, len(keys)) else killers


def _death(reader: Reader, request: ReadRequest) -> str:
    """Say how reading what was requested ends its process, with whatever status; empty where it does not."""
    received, sent = multiprocessing.Pipe(duplex=False)
    with fork_beside_threads():
        process = multiprocessing.get_context("fork").Process(target=_attempt, args=(reader, request, sent))
        process.start()
    sent.close()
    process.join()
    with received:
        try:
            received.recv()
        except EOFError:
            late = process.exitcode == -signal.SIGALRM
            return f"reading it takes longer than {max_seconds()} s ({TIME_LIMIT})" if late else _DIED
    return ""


def _attempt(reader: Reader, request: ReadRequest, sent: Connection) -> None:
    """Read, and tell of having lived: an error is not a death."""
    reader.patience.keep(max_seconds())
    with suppress(Exception):
        reader[request]
    sent.send(None)


@contextmanager
def fork_beside_threads() -> Iterator[None]:
    """Fork without a warning: readers call nothing that the threads of torch or rich may have locked."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        yield
