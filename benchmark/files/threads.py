"""Threads: several for files that are looked at, one for computations too small to be shared out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
_THREADS = 4
_AT_ONCE = 500
"""Items that wait or are done at a time: of a million, not all lie in memory twice."""


def in_threads(function: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """Call a function with each item and yield the results in order.

    Args:
        function: What reads a file, say; threads pay where it waits, or lets go of the interpreter lock.
        items: Its arguments.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        # `Executor.map` submits every item before it yields the first result, hence the slices
        for start in range(0, len(items), _AT_ONCE):
            yield from threads.map(function, items[start : start + _AT_ONCE])


def one_thread(*, when: bool) -> AbstractContextManager[object]:
    """Have libraries compute with one thread inside, where work is too small to be shared out.

    They share the smallest loop out among all cores, and each thread waits for the last one at its end. Where
    a core is busy with anything else, that is nearly all they do.

    To be entered when the library that computes is imported, for it may bring threads of its own. Not for
    networks, whose last bits may rest on the number of threads.

    Args:
        when: Whether it is so small; else there are as many threads as usual.
    """
    if not when:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
