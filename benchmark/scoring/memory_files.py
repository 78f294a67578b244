"""The bytes of a batch: written one after the other, and had by another process without a copy.

They lie in a file that is in memory and has no name. What processes share by a name lies in ``/dev/shm``, of
which containers often have 64 MB; this has no limit of its own below that of all memory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from io import BytesIO, FileIO
from multiprocessing.reduction import DupFd
from typing import Any

import torch
from torch import Tensor

from forenbench.registry.guests import reason

_ALIGNMENT = 64
"""Bytes; a tensor begins where numbers of its type may."""


class MemoryFile:
    """Tensors of any kind, one after the other.

    It is pickled by its descriptor, for which there is multiprocessing's `ForkingPickler`, or else with all
    its bytes.

    Attributes:
        why_copied: Why it is pickled with all its bytes; empty: it is not.
    """

    def __init__(self, file: FileIO | BytesIO | None = None, why_copied: str = "") -> None:
        """Make an empty one, or take a file that holds one."""
        self.why_copied = why_copied
        try:
            self._file = file or _opened(os.memfd_create("forenbench batch"))
        except (AttributeError, OSError) as error:  # only Linux has them, and may have no descriptor left
            self._file, self.why_copied = BytesIO(), reason(error)

    def append(self, tensor: Tensor) -> int:
        """Write the values of a tensor on the CPU; return at which byte they begin."""
        begin = -(-self._file.tell() // _ALIGNMENT) * _ALIGNMENT
        self._file.seek(begin)
        left = tensor.reshape(-1).view(torch.uint8).numpy().data
        while left:  # Linux writes 2 GiB at most at a time
            left = left[self._file.write(left) :]
        return begin

    def bytes(self) -> Tensor:
        """Return all that was written, uint8 (n,), without a copy; it stays when this object goes."""
        size = self._file.seek(0, os.SEEK_END)
        if not size:
            return torch.empty(0, dtype=torch.uint8)
        held = self._file
        memory = held.getbuffer() if isinstance(held, BytesIO) else mmap.mmap(held.fileno(), size)
        return torch.frombuffer(memory, dtype=torch.uint8)

    def copied(self, why: str) -> MemoryFile:
        """Return one that is pickled with all its bytes."""
        return MemoryFile(BytesIO(self.bytes().numpy().data), why)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Hand over a descriptor, or all bytes.

        Raises:
            OSError: There is no descriptor left.
        """
        if isinstance(self._file, BytesIO):
            return MemoryFile, (self._file, self.why_copied)
        return _received, (DupFd(self._file.fileno()),)

    def __del__(self) -> None:
        # Python warns of a file that nobody closes; a buffer cannot be closed while its bytes are of use.
        if isinstance(self._file, FileIO):
            self._file.close()


def _opened(descriptor: int) -> FileIO:
    return open(descriptor, "r+b", buffering=0)


def _received(descriptor: Any) -> MemoryFile:  # noqa: ANN401 - the standard library's, of no public type
    """Open what another process handed over."""
    return MemoryFile(_opened(descriptor.detach()))
