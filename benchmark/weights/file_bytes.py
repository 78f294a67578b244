"""A checkpoint file's bytes in memory, read from the disk once: what is parsed is what was hashed."""

from __future__ import annotations

import hashlib
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK = 1 << 20
_PAGE = mmap.PAGESIZE
_FLAGS = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
"""Windows knows none, and has memory of the process's own without."""


class Readable(Protocol):
    """What parsers need of a file: one on the disk, or `FileBytes`."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102 - as files do
    def readline(self) -> bytes: ...  # noqa: D102
    def seek(self, offset: int, whence: Literal[0, 1, 2] = 0, /) -> object: ...  # noqa: D102
    def tell(self) -> int: ...  # noqa: D102


class FileBytes(mmap.mmap):
    """Memory of this process alone that reads and seeks like a file; whatever becomes of the file, it stays.

    Attributes:
        sha256: Of the file.
    """

    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileBytes:
        """Read a file from its beginning to its end, and hash what comes.

        Raises:
            ValueError: It is empty, or was cut while it was read; words that follow its name.
            OSError: It cannot be read.
        """
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise ValueError("is empty")
            made = cls(-1, size, **_FLAGS)
            with memoryview(made) as view:
                at = 0
                while at < size:
                    with view[at : at + _CHUNK] as chunk:
                        got = file.readinto(chunk)
                        if not got:
                            raise ValueError("was cut short while it was read")
                        digest.update(chunk[:got])
                        at += got
        made.sha256 = digest.hexdigest()
        return made

    def seekable(self) -> bool:
        """Always; `zipfile` asks, and Python's own class says so only since 3.13."""
        return True

    def give_back(self, start: int, end: int) -> None:
        """Let go of the memory of bytes that are not read again: they become zeros.

        While tensors are copied out, a file thus lies in memory once and not twice.
        """
        first, last = -(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE
        if first < last and hasattr(self, "madvise"):
            self.madvise(mmap.MADV_DONTNEED, first, last - first)


def fill(storage: Tensor, stream: Readable, file: Readable) -> None:
    """Read a storage's bytes into it, little by little: no second copy of them.

    Args:
        storage: Of one dimension.
        stream: Stands at its first byte.
        file: What the stream reads from, or the stream itself.

    Raises:
        EOFError: The stream ends before.
    """
    import torch

    start = file.tell()
    rest = storage.view(torch.uint8).numpy().data
    while rest:
        read = stream.read(min(len(rest), _CHUNK))
        if not read:
            raise EOFError("no more data")
        rest[: len(read)] = read
        rest = rest[len(read) :]
    if isinstance(file, FileBytes):
        file.give_back(start, file.tell())
