"""Work on several cores at once that Python code, with its one lock, cannot do in threads."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")
_function: Callable[[Any], Any] | None = None
"""What this process was forked to call; None in every other process."""


def most() -> int:
    """Say how many processes can be at work: the cores that this one may use; 1 where nothing is forked."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" and not is_forked() else 1


def is_forked() -> bool:
    """Say whether this process is one of several of `in_processes`: its own threads would be too many."""
    return _function is not None


def in_processes(function: Callable[[S], T], items: Sequence[S], processes: int) -> Generator[T]:
    """Call a function with each item in forked processes, and yield the results in order.

    Forked, because what packages and files have added (metrics, say) is there as it is here, and because
    processes of another kind run a user's script once more. What is left once a process was killed,
    say for want of memory, this one does.

    Args:
        function: What it returns and raises is pickled.
        items: Its arguments.
        processes: How many, not above `most`; below 2 it is this one.

    Returns:
        The results. Closed before the last of them, it waits for what has begun and begins nothing more.
    """
    done = 0
    if processes > 1:
        pool = ProcessPoolExecutor(processes, get_context("fork"), _begin, (function,))
        try:
            with fork_beside_threads():
                results = pool.map(_call, items)
            for result in results:
                yield result
                done += 1
        except BrokenProcessPool:
            pass
        finally:
            pool.shutdown(cancel_futures=True)  # where something was raised, what has begun is waited for
    yield from map(function, items[done:])


@contextmanager
def fork_beside_threads() -> Iterator[None]:
    """Fork without a warning: what is forked calls nothing that threads of torch or rich may have locked."""
    # Python 3.12 and later warn of every fork in a process with threads, for any of them may hold a lock
    # that the child waits for; torch has started some by now.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")
        yield


def _begin(function: Callable[[Any], Any]) -> None:
    """Make a process ready that was forked."""
    global _function
    _function = function
    # Ctrl-C reaches all processes of a terminal: these end at once, and only the first one speaks of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with the process that forked this one: killed, it tells nobody, and this one would wait for it."""
    parent = parent_process()
    assert parent is not None  # this process was forked
    parent.join()
    os._exit(1)


def _call(item: Any) -> Any:  # noqa: ANN401 - what `in_processes` was given, and what that returns
    assert _function is not None  # `_begin` was here
    return _function(item)
