"""Batches on their way from a reader process to the model's."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

import torch

from .batches import Batch

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch, pickled before it goes to the queue, so that an error can be raised.

    In the thread that feeds a queue an error is only printed, and the batch would be waited for for ever.

    Attributes:
        content: The batch; its memory is shared between the processes, so that it crosses without a copy.
        memory: Of a batch whose memory could not be shared, as in a container with a small ``/dev/shm``.
    """

    content: bytes
    memory: np.ndarray[Any, Any] | None = None

    @classmethod
    def of(cls, batch: Batch) -> Parcel:
        """Pack a batch, shared if that can be had."""
        try:
            # Not `pickle`, which copies: torch has told this pickler to move tensors into shared memory and
            # send a handle.
            return cls(bytes(ForkingPickler.dumps(batch)))
        except (OSError, RuntimeError):  # no room for its memory, or no file descriptor left
            # As a numpy array, which the queue pickles by value: it would send a tensor by handle again.
            bare = replace(batch, memory=torch.empty(0, dtype=torch.uint8))
            return cls(pickle.dumps(bare), batch.memory.numpy())

    def open(self) -> Batch:
        """Unpack the batch, in the other process.

        Raises:
            OSError: The process that packed it is gone, or there is no file descriptor left.
            EOFError: It went just now.
        """
        batch: Batch = pickle.loads(self.content)
        if self.memory is not None:
            # Cloned to where torch begins its tensors: kernels may sum what is aligned otherwise in another
            # order (see `_ALIGNMENT` in `forenbench.scoring.preparing`).
            batch.memory = torch.from_numpy(self.memory).clone()
        return batch

    def pin_memory(self) -> Batch:
        """Unpack the batch into page-locked memory; PyTorch's loader calls this in a thread."""
        return self.open().pin_memory()
