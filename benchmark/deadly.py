"""Which files kill the process that reads them, or the part of it that a detector is."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from .batches import Key, Order, Reader


def without_deadly_files(reader: Reader, order: Order) -> Order:
    """Read files one by one, each in a process of its own, and mark what kills it."""
    found = [(at, key) for at in range(len(order.paths)) for key in _deadly(reader, order, at)]
    return replace(order, deadly=order.deadly | set(found))


def _deadly(reader: Reader, order: Order, position: int) -> Iterator[Key | None]:
    """Yield the (perturbation, prepare) that a file is deadly to; None: it is to all."""
    marked = {key for at, key in order.deadly if at == position}
    at = slice(position, position + 1)
    alone = replace(
        order,
        paths=order.paths[at],
        sha256s=order.sha256s[at],
        deadly=frozenset((0, key) for key in marked),
    )
    if None in marked or not _dies(reader, alone):
        return
    keys = [(place, index) for place, indices in order.wanted for index in indices]
    killers = [
        key
        for key in keys
        if key not in marked and _dies(reader, replace(alone, wanted=((key[0], (key[1],)),)))
    ]
    yield from [None] if len(killers) in (0, len(keys)) else killers


def _dies(reader: Reader, order: Order) -> bool:
    """Say whether reading an order ends its process, with whatever status."""
    received, sent = multiprocessing.Pipe(duplex=False)
    with fork_beside_threads():
        process = multiprocessing.get_context("fork").Process(target=_attempt, args=(reader, order, sent))
        process.start()
    sent.close()
    process.join()
    with received:
        try:
            received.recv()
        except EOFError:
            return True
    return False


def _attempt(reader: Reader, order: Order, sent: Connection) -> None:
    """Read, and tell of having lived: an error is not a death."""
    with suppress(Exception):
        reader[order]
    sent.send(None)


@contextmanager
def fork_beside_threads() -> Iterator[None]:
    """Fork without a warning: readers call nothing that the threads of torch or rich may have locked."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        yield
