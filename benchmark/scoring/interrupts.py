"""Ctrl-C: once to end after the shard in progress, twice to end at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130
"""The exit status of a process that Ctrl-C ended."""


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to end after the shard in progress; the second one ends at once.

    Args:
        tell: Told what is going on.

    Yields:
        What says whether an end was asked for.

    Raises:
        SystemExit: Status 130, at the second one.
    """
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        tell("finishing the images in progress; Ctrl-C again stops at once")

    # A handler that only notes it: Python's own raises KeyboardInterrupt wherever the process happens to be,
    # amid a detector's code or the writing of a file.
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    except KeyboardInterrupt:
        raise SystemExit(STOPPED) from None
    finally:
        # Ignored from here on if it was asked for: the process ends anyway, and a third Ctrl-C would print a
        # traceback over the words below.
        signal.signal(signal.SIGINT, signal.SIG_IGN if asked else before)
        if asked:
            tell("stopped. What is finished is kept: the same command goes on from there.")
