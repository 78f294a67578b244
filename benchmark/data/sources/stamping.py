"""What tells of a file, before it is read, whether it has changed and whether it can be an image."""

from __future__ import annotations

import os
from pathlib import Path

from forenbench.types import Stamp

MAX_BYTES = 1 << 30
"""No image file is that large, but a few kilobytes of archive can claim to be."""


def refuse_size(size: int) -> None:
    """Refuse a file that is too large to be an image, before it takes memory.

    Raises:
        OSError: It is.
    """
    if size > MAX_BYTES:
        raise OSError(f"it has {size} bytes, more than the limit of {MAX_BYTES}")


def stamp_file(file: Path) -> Stamp:
    """Look at one file of the file system."""
    key = os.fsencode(file)
    try:
        found = file.stat()
    except OSError:
        return Stamp(key, "")
    # The change time (ctime) cannot be set by programs, as `cp -p` and `touch` set the other one; the inode
    # tells a file that was moved here from the one that it replaced.
    return Stamp(key, f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}")
