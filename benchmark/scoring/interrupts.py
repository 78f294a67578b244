"""Ctrl-C: once to end after the part in hand, twice to end at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130
"""The exit status of a process that Ctrl-C ended."""


@contextmanager
def stopping(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to end after the part in hand; the second one ends at once.

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
        tell("finishing the part in hand; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    except KeyboardInterrupt:
        raise SystemExit(STOPPED) from None
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if asked else before)  # once is enough: the process ends
        if asked:
            tell("stopped. Finished parts are kept: the same command goes on from there.")
