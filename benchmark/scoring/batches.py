"""Batches as they are asked for and as they come back, and what becomes of each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from forenbench.records.rows import ImageResult

InputKey = tuple[int, int]
"""Which perturbation, and which distinct `prepare`, by their places in a `Reader`."""

BATCH = 32
"""Images at most; part of what a row is, for floating-point results depend on a batch's shape."""
CHANGED = "the file has changed since the test set was listed; start again"
"""The reason of a failed row."""
Todo = Sequence[tuple[int, Sequence[int]]]
"""The detectors wanted under each perturbation, by their places in a `Lineup`."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One batch to be read.

    Attributes:
        source: Place of the files' source in the `Reader`.
        paths: Of consecutive samples of a test set.
        sha256s: What their contents were when the test set was listed; empty where unknown.
        wanted: The distinct prepares wanted under each perturbation.
        deadly: How files ended the process that read them, by their position and (perturbation, prepare), or
            None: by each. They are left alone.
    """

    source: int
    paths: tuple[str, ...]
    sha256s: tuple[str, ...]
    wanted: tuple[tuple[int, tuple[int, ...]], ...]
    deadly: Mapping[tuple[int, InputKey | None], str] = field(default_factory=dict)


class Stack(NamedTuple):
    """Prepared images of equal shape and type, stacked: where they stand in the batch, and in its memory."""

    positions: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    offset: int

    @property
    def size(self) -> int:
        """Return its bytes."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(slots=True)
class Batch:
    """What became of a request.

    Attributes:
        sha256s: Of the files as they were read; empty where they could not be.
        drawn: What each perturbation drew for each image, by perturbation.
        missing: Images that could not be prepared, and why, by position.
        blocks: Prepared images, by (perturbation, prepare).
        memory: The bytes of all blocks (n,), uint8.
    """

    sha256s: list[str]
    drawn: dict[int, list[str]]
    missing: dict[InputKey, dict[int, ImageResult]]
    blocks: dict[InputKey, list[Stack]]
    memory: Tensor

    def tensors(self, key: InputKey) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Yield positions and stacked tensors (n, ...), one pair for each shape."""
        for block in self.blocks[key]:
            part = self.memory[block.offset : block.offset + block.size]
            yield block.positions, part.view(block.dtype).view(block.shape)

    def pin_memory(self) -> Batch:
        """Move to page-locked memory, from where a GPU copies without waiting."""
        self.memory = self.memory.pin_memory()
        return self

    def to(self, device: str) -> Batch:
        """Move to a device, without waiting for the copy."""
        self.memory = self.memory.to(device, non_blocking=True)
        return self


CellResults = dict[tuple[int, int], list[ImageResult]]
"""One result an image, by the places of (perturbation, detector)."""
