"""Samples → prepared batches: each file decoded once, perturbed once, prepared once, ahead of the model.

Everything here runs in reader processes. What comes back is one block of memory per batch, so that it crosses
to the model's process, and on to a GPU, in one piece.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import torch
from PIL.Image import Image
from torch import Tensor

from forenbench.images import UnreadableImage, decode
from forenbench.perturbations import draw_generator
from forenbench.records.rows import ImageResult
from forenbench.registry.guests import reason
from forenbench.types import Perturbation, Source

from .batches import CHANGED, Batch, InputKey, ReadRequest, Stack
from .calls import Prepare, distinct_prepares, prepared
from .patience import Patience
from .turns import Turn

if TYPE_CHECKING:
    from .lineup import Lineup

_ALIGNMENT = 512
"""Bytes; where a tensor starts can change how kernels sum it, so all start alike: as on a GPU by itself."""


@dataclass(slots=True)
class Reader:
    """Turns requests into batches; reader processes get a copy.

    Attributes:
        sources: Of the test sets.
        perturbations: In the order of the run.
        prepares: The distinct ones, see `distinct_prepares`.
        seed: Of the run.
        turn: Threads of one process prepare one at a time: to a `prepare`, they are as processes.
        patience: With each step.
    """

    sources: Sequence[Source]
    perturbations: Sequence[Perturbation]
    prepares: Sequence[Prepare]
    seed: int
    turn: AbstractContextManager[object] = field(default_factory=Lock)
    patience: Patience = field(default_factory=Patience)

    @classmethod
    def of(cls, lineup: Lineup, sources: Sequence[Source]) -> Reader:
        """Make what reads the files of sources for a run's detectors."""
        return cls(sources, lineup.perturbations, distinct_prepares(lineup.detectors)[0], lineup.seed)

    def __getitem__(self, request: ReadRequest) -> Batch:
        """Decode, perturb and prepare the files of one request; what goes wrong stays with its image."""
        rows = _Rows(request)
        for position, path in enumerate(request.paths):
            if death := request.deadly.get((position, None)):
                rows.lose(position, ImageResult("failed", error=death))
                continue
            with Turn(self.patience.begin) as turn, self.patience:
                self._read(position, path, rows, turn)
        return rows.stack()

    def _read(self, position: int, path: str, rows: _Rows, turn: Turn) -> None:
        """Decode one file, and prepare it in every way that is wanted."""
        request = rows.request
        try:
            data = self.sources[request.source].read(path)
            image = decode(data, turn)
        except (OSError, UnreadableImage) as error:
            # What could be read when it was listed is a matter of this machine, not of the data.
            lost = isinstance(error, OSError) and request.sha256s[position]
            rows.lose(position, ImageResult("failed" if lost else "unreadable", error=str(error)))
            return
        sha256 = hashlib.sha256(data).hexdigest()
        if request.sha256s[position] not in ("", sha256):
            rows.lose(position, ImageResult("failed", error=CHANGED))
            return
        rows.sha256s[position] = sha256
        self._perturb(position, image, rows)

    def _perturb(self, position: int, image: Image, rows: _Rows) -> None:
        """Perturb and prepare one image in every way that is wanted."""
        wanted = rows.wanted(position)
        for at, (place, indices) in enumerate(wanted):
            perturbation = self.perturbations[place]
            draw = draw_generator(self.seed, perturbation.name, rows.sha256s[position])
            self.patience.begin()
            try:
                perturbed = perturbation.apply(image, draw)
                rows.drawn[place][position] = draw.text
            except Exception as error:
                failed = ImageResult("failed", error=f"{perturbation.name}: {reason(error)}")
                for index in indices:
                    rows.missing[place, index][position] = failed
                continue
            needed = perturbed is image and at < len(wanted) - 1
            for index in indices:
                last = index == indices[-1] and not needed
                self._prepare(position, perturbed if last else perturbed.copy(), (place, index), rows)
            del perturbed  # or it lies in memory beside the next

    def _prepare(self, position: int, image: Image, key: InputKey, rows: _Rows) -> None:
        """Prepare an image in one way; it is the detector's own from here on, which may draw on it."""
        self.patience.begin()
        try:
            with self.turn:
                rows.tensors[key][position] = prepared(self.prepares[key[1]], image)
        except Exception as error:
            rows.missing[key][position] = ImageResult("failed", error=f"prepare: {reason(error)}")


@dataclass(slots=True)
class _Rows:
    """A batch while it is being read."""

    request: ReadRequest
    sha256s: list[str] = field(init=False)
    drawn: dict[int, list[str]] = field(init=False)
    tensors: dict[InputKey, dict[int, Tensor]] = field(init=False)
    missing: dict[InputKey, dict[int, ImageResult]] = field(init=False)

    def __post_init__(self) -> None:
        keys = [(place, index) for place, indices in self.request.wanted for index in indices]
        self.sha256s = [""] * len(self.request.paths)
        self.drawn = {place: list(self.sha256s) for place, _ in self.request.wanted}
        self.tensors = {key: {} for key in keys}
        self.missing = {key: {} for key in keys}

    def lose(self, position: int, result: ImageResult) -> None:
        """Note an image that nothing can be made of."""
        for missing in self.missing.values():
            missing[position] = result

    def wanted(self, position: int) -> list[tuple[int, list[int]]]:
        """Say in which ways an image is wanted; note those in which it is left alone, for they are deadly."""
        left = []
        for place, indices in self.request.wanted:
            for index in indices:
                if death := self.request.deadly.get((position, (place, index))):
                    self.missing[place, index][position] = ImageResult("failed", error=death)
            if living := [index for index in indices if not self.missing[place, index].get(position)]:
                left.append((place, living))
        return left

    def stack(self) -> Batch:
        """Lay all tensors into one block of memory, those of equal shape and type side by side."""
        blocks: dict[InputKey, list[Stack]] = {}
        offset = 0
        for key, tensors in self.tensors.items():
            blocks[key] = []
            for positions in _by_shape(tensors):
                one = tensors[positions[0]]
                block = Stack(positions, (len(positions), *one.shape), one.dtype, offset)
                blocks[key].append(block)
                offset += -(-block.size // _ALIGNMENT) * _ALIGNMENT
        batch = Batch(self.sha256s, self.drawn, self.missing, blocks, torch.empty(offset, dtype=torch.uint8))
        for key, tensors in self.tensors.items():
            for positions, stacked in batch.tensors(key):
                torch.stack([tensors[position] for position in positions], out=stacked)
        return batch


def _by_shape(tensors: Mapping[int, Tensor]) -> list[tuple[int, ...]]:
    """Group positions by the shape and type of their tensors, in the order of first appearance."""
    groups: dict[tuple[torch.Size, torch.dtype], list[int]] = {}
    for position, tensor in tensors.items():
        groups.setdefault((tensor.shape, tensor.dtype), []).append(position)
    return [tuple(positions) for positions in groups.values()]
