"""Examples → batches, decoded and augmented in worker processes: the same whatever their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch.utils.data import DataLoader, Dataset

from forenbench.errors import BenchError
from forenbench.images import UnreadableImage
from forenbench.types import FAKE, REAL

from .examples import Examples
from .randomness import ORDER, Read, draws

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class TrainingBatch(NamedTuple):
    """Some examples, or one process's share of them.

    Attributes:
        inputs: What was read from them, stacked.
        labels: float32 (n,), 0 = real, 1 = fake.
        indices: Those of the examples.
    """

    inputs: Tensor
    labels: Tensor
    indices: list[int]


@dataclass(frozen=True)
class Loader:
    """Reads batches of examples.

    Attributes:
        examples: All images.
        read: Makes a tensor of each file's bytes.
        seed: Of the training.
        purpose: `TRAIN` or `VALIDATE` of `randomness`.
        workers: Processes that decode; 0 does it here.
    """

    examples: Examples
    read: Read
    seed: int
    purpose: int
    workers: int = 0

    def batches(
        self, epoch: int, groups: Sequence[Sequence[int]], *, pinned: bool = False
    ) -> Iterator[TrainingBatch]:
        """Yield one batch for each group of indices, in order."""
        # One loader an epoch: its processes get the epoch's number with their copy of the items. More
        # processes than batches would start for nothing.
        loader = DataLoader(
            _Items(self, epoch),
            batch_sampler=[list(group) for group in groups],
            num_workers=min(self.workers, len(groups)),
            pin_memory=pinned,
        )
        for inputs, labels, indices in loader:
            yield TrainingBatch(inputs, labels.float(), indices.tolist())


class _Items(Dataset[tuple["Tensor", int, int]]):
    """One epoch's items; picklable, for worker processes."""

    def __init__(self, loader: Loader, epoch: int) -> None:
        self.loader, self.epoch = loader, epoch

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        """Return what is read from one file, its label and its index."""
        loader = self.loader
        item = loader.examples.items[index]
        try:
            random = draws(loader.seed, loader.purpose, self.epoch, index)
            tensor = loader.read(item.source.read(item.path), random)
        # Other kinds of errors are bugs, and keep their traceback.
        # These end a training of days by the image's name.
        except (OSError, UnreadableImage, BenchError) as error:
            raise BenchError(f"image '{item.path}' cannot be used: {error}") from error
        return tensor, item.label, index


def shuffled(seed: int, epoch: int, number: int, batch: int) -> list[list[int]]:
    """Return an epoch's global batches of indices; the last may be smaller."""
    # The last batch stays, as with the official loaders, which do not set `drop_last`.
    indices = draws(seed, ORDER, epoch).permutation(number).tolist()
    return [indices[start : start + batch] for start in range(0, number, batch)]


def paired(seed: int, epoch: int, labels: NDArray[np.int64], batch: int) -> list[list[int]]:
    """Return an epoch's global batches of indices, each half real and half fake; the last may be smaller.

    There are as many pairs as images of the more frequent label. Reals take turns, and a fake is drawn for
    each: some are seen twice, others not at all.
    """
    # data/paired_dataset.py of patch-forensics, with the `--no_serial_batches` of its README.
    random = draws(seed, ORDER, epoch)
    reals, fakes = (np.flatnonzero(labels == label) for label in (REAL, FAKE))
    number, half = max(len(reals), len(fakes)), max(1, batch // 2)
    pairs = reals[random.permutation(number) % len(reals)], fakes[random.integers(len(fakes), size=number)]
    return [
        [*pairs[0][start : start + half].tolist(), *pairs[1][start : start + half].tolist()]
        for start in range(0, number, half)
    ]


def in_order(number: int, batch: int) -> list[list[int]]:
    """Return batches of indices in order; the last may be smaller."""
    return [list(range(start, min(start + batch, number))) for start in range(0, number, batch)]
