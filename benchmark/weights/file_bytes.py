"""A checkpoint file's bytes in memory, read from the disk once: what is parsed is what was hashed."""

from __future__ import annotations

import hashlib
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK = 1 << 20
_PAGE = mmap.PAGESIZE
# Python's default for memory without a file is a shared mapping, of which Linux gives nothing back when
# `madvise` asks it to. Windows has no such flags, and its memory is the process's own.
_FLAGS: dict[str, Any] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
)


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
        # One pass: were the file hashed and then opened again by a parser, it could be another one by then.
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if not size:  # a mapping of no bytes is an error of its own, in other words
                raise ValueError("is empty")
            made = cls(-1, size, **_FLAGS)
            # Views are released here: while one is left, Python refuses to close the mapping.
            with memoryview(made) as view:
                at = 0
                while at < size:
                    with view[at : at + _CHUNK] as chunk:
                        if not (got := file.readinto(chunk)):
                            raise ValueError("was cut short while it was read")
                        digest.update(chunk[:got])
                        at += got
        made.sha256 = digest.hexdigest()
        return made

    def seekable(self) -> Literal[True]:
        """Always; `zipfile` asks, and Python's own class says so only since 3.13."""
        return True

    def give_back(self, start: int, end: int) -> None:
        """Let go of the memory of bytes that are not read again: they become zeros.

        While tensors are copied out, a file thus lies in memory once and not twice.
        """
        # Whole pages inside alone: on those at the edges lie
        # bytes of the neighbours, which are still to be read.
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

    # `start` is asked of the file, not of the stream: a member of an archive counts from its own beginning.
    start = file.tell()
    # By way of bytes, for NumPy has no bfloat16 and no float8.
    rest = storage.view(torch.uint8).numpy().data
    while rest:
        read = stream.read(min(len(rest), _CHUNK))
        if not read:
            raise EOFError("no more data")
        rest[: len(read)] = read
        rest = rest[len(read) :]
    if isinstance(file, FileBytes):
        file.give_back(start, file.tell())
