"""Files looked at in threads, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
