"""Folders that processes are at work on: nobody else renames, removes or clears them meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from filelock import FileLock, Timeout

FOLDER = ".in-use"
"""Below a folder: a lock for each process that is at work on it."""


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Have `is_in_use` say so of a folder, until the block ends or the process dies."""
    # The operating system lets go of the locks of a killed process; its file stays, and is nobody's then.
    name = f"{gethostname()}-{os.getpid()}-{uuid4().hex[:8]}.lock"
    lock = FileLock(folder / FOLDER / name)
    try:
        is_in_use(folder)  # takes away what killed processes left
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except (OSError, NotImplementedError, Timeout):
        # A folder that cannot be written is not renamed either; and some network disks have no locks.
        yield
        return
    try:
        yield
    finally:
        _forget(lock)


def is_in_use(folder: Path) -> bool:
    """Say whether a process, on this machine or another one, is at work on a folder."""
    for file in sorted((folder / FOLDER).glob("*.lock")):
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            continue
        _forget(lock)  # of a process that was killed
    return False


def _forget(lock: FileLock) -> None:
    """Remove a lock that this process holds, and let go of it."""
    file = Path(lock.lock_file)
    with suppress(OSError):
        file.unlink()
    lock.release()
    with suppress(OSError):  # others are at work
        file.parent.rmdir()
