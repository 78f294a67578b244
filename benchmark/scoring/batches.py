"""Batches as they are asked for and as they come back, and what becomes of each image.

Indices have the same letter throughout: `t` of a task in the plan, `p` of a perturbation and `d` of a
detector in the `Lineup`, `k` of a distinct `prepare` in the `Reader`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from forenbench.records.rows import ImageResult

from .memory_files import MemoryFile

if TYPE_CHECKING:
    import pyarrow as pa

InputKey = tuple[int, int]
"""(p, k): which perturbation an image went through, and which `prepare`."""
CellIndex = tuple[int, int]
"""(p, d): which perturbation and which detector."""
Todo = Sequence[tuple[int, Sequence[int]]]
"""(p, [d, ...]): the detectors wanted under each perturbation."""
CellResults = dict[CellIndex, list[ImageResult]]
"""One result an image, for each cell."""
CellColumns = Mapping[CellIndex, "pa.RecordBatch"]
"""The same in columns (see `forenbench.records.rows.as_arrow`)."""

BATCH = 32
"""Images at most; part of what a row is, for floating-point results depend on a batch's shape."""
CHANGED = "the file has changed since the test set was listed; start again"
"""The reason of a failed row."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One batch to be read.

    Attributes:
        source: Index of the files' source in the `Reader`.
        paths: Of consecutive samples of a test set.
        sha256s: What their contents were when the test set was listed; empty where unknown.
        wanted: The distinct prepares wanted under each perturbation: (p, (k, ...)).
        first: What is done to each file before a perturbation, by p; an empty text: nothing. Unlike the
            perturbation it may depend on the label, which no reader knows. Where nothing is done to any file
            of the whole test set, p is not in it.
        fatal: How files ended the process that read them, by (position, (p, k)), or (position, None) where
            everything does. They are left alone.
    """

    source: int
    paths: tuple[str, ...]
    sha256s: tuple[str, ...]
    wanted: tuple[tuple[int, tuple[int, ...]], ...]
    first: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    fatal: Mapping[tuple[int, InputKey | None], str] = field(default_factory=dict)


class Stack(NamedTuple):
    """Prepared images of equal shape and type: where they stand in the batch, and in its memory."""

    positions: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    offsets: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all its images together."""
        return len(self.positions) * prod(self.shape) * self.dtype.itemsize


@dataclass(slots=True)
class Batch:
    """What became of a request.

    Attributes:
        sha256s: Of the files as they were read; empty where they could not be.
        first: As it was requested: what was done to each image before a perturbation, by p.
        drawn: What each perturbation drew for each image, by p.
        missing: Images that could not be prepared, and why, by (p, k) and position.
        stacks: Prepared images, by (p, k).
        held: Their values, one after the other.
    """

    sha256s: list[str]
    first: Mapping[int, tuple[str, ...]]
    drawn: dict[int, list[str]]
    missing: dict[InputKey, dict[int, ImageResult]]
    stacks: dict[InputKey, list[Stack]]
    held: MemoryFile | Tensor

    @property
    def memory(self) -> Tensor:
        """Their values as bytes, uint8 (n,)."""
        # Only once somebody looks: a reader writes and hands on.
        if isinstance(self.held, MemoryFile):
            self.held = self.held.bytes()
        return self.held

    def tensors(self, key: InputKey) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Yield positions and stacked tensors (n, ...), one pair for each shape; see `stacked`."""
        for stack in self.stacks[key]:
            yield stack.positions, self.stacked(stack)

    def stacked(self, stack: Stack) -> Tensor:
        """Stack images (n, ...), in memory of their own each time: a network may write into them."""
        size = stack.size // len(stack.offsets)
        images = [self.memory[offset : offset + size] for offset in stack.offsets]
        return torch.stack([image.view(stack.dtype).view(stack.shape) for image in images])

    # PyTorch's DataLoader looks for a method of this name on what is no tensor, and calls it in a thread.
    def pin_memory(self) -> Batch:
        """Move to page-locked memory, from where a GPU copies without waiting."""
        self.held = self.memory.pin_memory()
        return self

    def to(self, device: str) -> Batch:
        """Move to a device, without waiting for the copy."""
        self.held = self.memory.to(device, non_blocking=True)
        return self
