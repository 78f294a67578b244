"""Free space on the disk, compared with what a training will write before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.filesize import decimal

from forenbench.errors import BenchError


def require_room(folder: Path, needed: int, what: str, otherwise: str) -> int:
    """Return how many bytes are free where a folder is, or will be.

    Args:
        folder: Where the files will be.
        needed: How many bytes they take at most.
        what: What they are, in words.
        otherwise: What can be done, in words.

    Raises:
        BenchError: There is less room.
    """
    # The folder itself is made later; the nearest above it that is there lies on the same disk.
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise BenchError(
            f"{what} may take {decimal(needed)}, and '{folder}' has room for {decimal(free)}. "
            f"Make room, or: {otherwise}"
        )
    return free
