"""Batches on their way from a reader process to the model's."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from multiprocessing.reduction import ForkingPickler

from forenbench.registry.guests import reason

from .batches import Batch
from .memory_files import MemoryFile


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch, pickled before it goes to the queue, so that an error can be raised.

    In the thread that feeds a queue an error is only printed, and the batch would be waited for for ever.

    Attributes:
        content: The batch.
        why_copied: Why its values are in there, too, and not in memory that both processes have; empty: they
            are not.
    """

    content: bytes
    why_copied: str = ""

    @classmethod
    def of(cls, batch: Batch) -> Parcel:
        """Pack a batch, without its values if they can be shared."""
        held = batch.held
        assert isinstance(held, MemoryFile)  # nobody has looked into it yet
        try:
            # Not `pickle`, which cannot hand over descriptors.
            return cls(bytes(ForkingPickler.dumps(batch)), held.why_copied)
        except OSError as error:  # no descriptor left
            why = reason(error)
            return cls(pickle.dumps(replace(batch, held=held.copied(why))), why)

    def open(self) -> Batch:
        """Unpack the batch, in the other process.

        Raises:
            OSError: The process that packed it is gone, or there is no file descriptor left.
            EOFError: It went just now.
        """
        batch: Batch = pickle.loads(self.content)
        _ = batch.memory  # now, for this may want a descriptor, too
        return batch

    def pin_memory(self) -> Batch:
        """Unpack the batch into page-locked memory; PyTorch's loader calls this in a thread."""
        return self.open().pin_memory()
