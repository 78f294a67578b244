"""Samples → prepared batches: each file decoded once, perturbed once, prepared once, ahead of the model.

Everything here runs in reader processes. What comes back is one piece of memory per batch, into which each
prepared image goes at once: a reader holds no second copy, and a GPU gets all of it in one go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from threading import Lock
from typing import TYPE_CHECKING

import torch
from PIL.Image import Image
from torch import Tensor

from forenbench.images import UnreadableImage, decode
from forenbench.perturbations import draw_generator, parse
from forenbench.perturbations.chains import Beginning, Chain
from forenbench.perturbations.reaches import within
from forenbench.records.rows import ImageResult
from forenbench.registry.guests import reason
from forenbench.types import Perturbation, Source

from .batches import CHANGED, Batch, InputKey, ReadRequest, Stack
from .calls import OfBytes, Prepare, distinct_prepares, prepared
from .memory_files import MemoryFile
from .patience import Patience
from .prepare_windows import Windows
from .turns import Turn

if TYPE_CHECKING:
    from .lineup import Lineup

_step = lru_cache(parse)
"""Of a batch, mostly one re-encoding is asked for again and again."""


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
        ahead: Batches that each process may have finished or in work: memory stays flat for data of any size.
    """

    sources: Sequence[Source]
    perturbations: Sequence[Perturbation]
    prepares: Sequence[Prepare]
    seed: int
    turn: AbstractContextManager[object] = field(default_factory=Lock)
    patience: Patience = field(default_factory=Patience)
    ahead: int = 2

    @classmethod
    def of(cls, lineup: Lineup, sources: Sequence[Source], ahead: int = 2) -> Reader:
        """Make what reads the files of sources for a run's detectors."""
        prepares = distinct_prepares(lineup.detectors)[0]
        return cls(sources, lineup.perturbations, prepares, lineup.seed, ahead=ahead)

    def __getitem__(self, request: ReadRequest) -> Batch:
        """Decode, perturb and prepare the files of one request; what goes wrong stays with its image."""
        rows = _Rows(request)
        for position, path in enumerate(request.paths):
            if death := request.fatal.get((position, None)):
                rows.lose(position, ImageResult("failed", error=death))
                continue
            with Turn(self.patience.begin) as turn, self.patience:
                try:
                    data = self.sources[request.source].read(path)
                    image = decode(data, turn)
                except (OSError, UnreadableImage) as error:
                    # What could be read when it was listed is a matter of this machine, not of the data.
                    lost = isinstance(error, OSError) and request.sha256s[position]
                    rows.lose(position, ImageResult("failed" if lost else "unreadable", error=str(error)))
                    continue
                # Of the very bytes that were decoded: a file may change between two looks.
                sha256 = hashlib.sha256(data).hexdigest()
                if request.sha256s[position] not in ("", sha256):
                    rows.lose(position, ImageResult("failed", error=CHANGED))
                    continue
                rows.sha256s[position] = sha256
                self._perturb(position, image, data, rows)
        return rows.batch()

    def _perturb(self, position: int, image: Image, data: bytes, rows: _Rows) -> None:
        """Perturb and prepare one image, of a file's bytes, in every way that is wanted."""
        begun = {"": Beginning(image)}
        wanted = self._in_order(rows, position)
        for (p, prepares), following in zip_longest(wanted, wanted[1:]):
            perturbation, first = self.perturbations[p], rows.first(p, position)
            # A draw of its own for each image and perturbation, seeded by the image's content: it depends
            # neither on the order of files nor on what else is run.
            draw = draw_generator(self.seed, perturbation.name, rows.sha256s[position])
            chain, windows = self._chain(p), Windows([self.prepares[k] for k in prepares])
            goes_on = following is not None and rows.first(following[0], position) == first
            self.patience.begin()
            try:
                if first not in begun:
                    # Once for all perturbations, and with a draw of its own: theirs stay what they are.
                    before = draw_generator(self.seed, first, rows.sha256s[position])
                    begun[first] = Beginning(_step(first).apply(image, before))
                then = self._chain(following[0]) if goes_on else None
                perturbed, part = begun[first].run(chain, draw, then, windows)
                # A row says for itself what it is of: nobody can take it for one of the file as it is.
                rows.drawn[p][position] = " ".join(filter(None, [first and f"first={first}", draw.text]))
            except Exception as error:
                what = f"{first}, {perturbation.name}" if first else perturbation.name
                failed = ImageResult("failed", error=f"{what}: {reason(error)}")
                for k in prepares:
                    rows.missing[p, k][position] = failed
                continue
            # A detector may draw on its image, so each gets one of its own: a copy, but for the last that
            # reads the pixels ("none" hands on the image itself). A huge picture has no room for one more.
            needed = following is not None and begun[first].keeps(perturbed)
            # Where other files of the test set are re-encoded first, this one's own bytes would tell it from
            # them: there all are sent alike.
            is_file = perturbation.name == "none" and p not in rows.request.first
            for number, k in enumerate(prepares):
                prepare = self.prepares[k]
                given: Image | bytes = data if is_file else perturbed
                if part:
                    given = perturbed.crop(within(windows.boxes[number], part))
                elif not isinstance(prepare, OfBytes):
                    given = perturbed if k == prepares[-1] and not needed else perturbed.copy()
                self.patience.begin()
                try:
                    with self.turn:
                        made = prepared(prepare, given)
                except Exception as error:
                    rows.missing[p, k][position] = ImageResult("failed", error=f"prepare: {reason(error)}")
                else:
                    rows.put(p, k, position, made)
                del given  # or it lies in memory beside the next copy
            del perturbed  # likewise, beside the next perturbation's

    def _in_order(self, rows: _Rows, position: int) -> list[tuple[int, list[int]]]:
        """List in which ways an image is wanted, so that chains that begin alike stand side by side."""

        def route(one: tuple[int, list[int]]) -> tuple[str, list[str]]:
            return rows.first(one[0], position), [step.name for step in self._chain(one[0]).steps]

        return sorted(rows.wanted(position), key=route)

    def _chain(self, p: int) -> Chain:
        chain = self.perturbations[p].apply
        assert isinstance(chain, Chain)  # as `parse` makes them
        return chain


_Kind = tuple[torch.Size, torch.dtype]


@dataclass(slots=True)
class _Rows:
    """A batch while it is being read."""

    request: ReadRequest
    sha256s: list[str] = field(init=False)
    drawn: dict[int, list[str]] = field(init=False)
    places: dict[InputKey, dict[_Kind, dict[int, int]]] = field(init=False)
    missing: dict[InputKey, dict[int, ImageResult]] = field(init=False)
    memory: MemoryFile = field(init=False)

    def __post_init__(self) -> None:
        keys = [(p, k) for p, prepares in self.request.wanted for k in prepares]
        self.sha256s = [""] * len(self.request.paths)
        self.drawn = {p: list(self.sha256s) for p, _ in self.request.wanted}
        self.places = {key: {} for key in keys}
        self.missing = {key: {} for key in keys}
        self.memory = MemoryFile()

    def first(self, p: int, position: int) -> str:
        """Say what is done to an image before a perturbation; empty: nothing."""
        steps = self.request.first.get(p)
        return steps[position] if steps else ""

    def lose(self, position: int, result: ImageResult) -> None:
        """Note an image that nothing can be made of."""
        for missing in self.missing.values():
            missing[position] = result

    def wanted(self, position: int) -> list[tuple[int, list[int]]]:
        """Say in which ways an image is wanted; note those in which it is left alone, for they are fatal."""
        left = []
        for p, prepares in self.request.wanted:
            for k in prepares:
                if death := self.request.fatal.get((position, (p, k))):
                    self.missing[p, k][position] = ImageResult("failed", error=death)
            if living := [k for k in prepares if position not in self.missing[p, k]]:
                left.append((p, living))
        return left

    def put(self, p: int, k: int, position: int, tensor: Tensor) -> None:
        """Keep a prepared image."""
        # By shape and type, in the order in which these first appear: batches are cut by the data alone.
        alike = self.places[p, k].setdefault((tensor.shape, tensor.dtype), {})
        alike[position] = self.memory.append(tensor)

    def batch(self) -> Batch:
        """Say what became of the request."""
        stacks = {
            key: [Stack(tuple(at), shape, dtype, tuple(at.values())) for (shape, dtype), at in kinds.items()]
            for key, kinds in self.places.items()
        }
        return Batch(self.sha256s, self.request.first, self.drawn, self.missing, stacks, self.memory)
