"""Huge pictures take turns, so that readers beside each other do not fill the memory with them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

HUGE = 1 << 26
"""Pixels; above it a picture waits until no other process of this user holds such a one."""
_PATIENCE = 60
"""Seconds; a process may be stopped while it has its turn."""


class Turn:
    """A turn for one huge picture: a context manager, called with the number of pixels before decoding.

    Args:
        after: Called when a huge picture's turn has come.
    """

    def __init__(self, after: Callable[[], None] = lambda: None) -> None:
        self._after = after
        self._lock: FileLock | None = None

    def __call__(self, pixels: int) -> None:
        """Wait for the turn of a picture; small ones do not wait."""
        if pixels > HUGE and self._lock is None:
            # By user, for another one's lock in a common /tmp cannot be opened; Windows has no such number.
            who = os.getuid() if hasattr(os, "getuid") else "user"
            self._lock = FileLock(Path(tempfile.gettempdir()) / f"forenbench-{who}-huge.lock")
            # Without a turn there is more in memory, and nothing else is wrong.
            with suppress(Timeout, OSError):
                self._lock.acquire(timeout=_PATIENCE)
            self._after()  # the time spent waiting is not the picture's

    def __enter__(self) -> Turn:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release(force=True)
