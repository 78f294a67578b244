"""Samples → prepared batches: each file decoded once, perturbed once, prepared once, ahead of the model."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from PIL.Image import Image
from torch import Tensor

from .images import UnreadableImage, decode
from .perturbations import draw_generator
from .types import Detector, Encoder, Perturbation, Sample, TestSet

BATCH = 32
_READERS = 2
"""Threads that decode and prepare; Pillow and torch release the interpreter lock while they work."""

Prepare = Callable[[Image], Tensor]
Todo = Sequence[tuple[Perturbation, Sequence[Detector]]]


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What one detector made of one image under one perturbation.

    Attributes:
        status: "ok", "unreadable" (no image in the file), "failed" (the detector raised or returned the wrong
            count) or "nonfinite" (it returned NaN or infinity).
        score: float32 value where ok, else NaN.
        logit: Raw value where the detector has one, else NaN.
        error: The reason where not ok.
    """

    status: str
    score: float = math.nan
    logit: float = math.nan
    error: str = ""


@dataclass(slots=True)
class Prepared:
    """Part of a batch as one `prepare` left it: tensors by position, or the reason there is none."""

    tensors: dict[int, Tensor] = field(default_factory=dict)
    missing: dict[int, ImageResult] = field(default_factory=dict)


Batch = dict[tuple[str, int], Prepared]
"""Prepared images by (perturbation name, index of the distinct `prepare`)."""


@dataclass(slots=True)
class BatchMaker:
    """What reader threads need to turn samples into tensors."""

    testset: TestSet
    todo: Todo
    seed: int
    prepares: list[Prepare] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the distinct `prepare` functions; equal ones, such as a shared encoder's, run once."""
        self.prepares = []
        for _, detectors in self.todo:
            for detector in detectors:
                if prepare_of(detector) not in self.prepares:
                    self.prepares.append(prepare_of(detector))

    def prepare_batch(self, start: int) -> tuple[int, Batch]:
        """Decode, perturb and prepare the samples from `start` on; returns their number and the tensors."""
        samples = self.testset.samples[start : start + BATCH]
        wanted = [
            (perturbation, sorted({self.prepares.index(prepare_of(detector)) for detector in detectors}))
            for perturbation, detectors in self.todo
        ]
        batch: Batch = {
            (perturbation.name, index): Prepared() for perturbation, indices in wanted for index in indices
        }
        for position, sample in enumerate(samples):
            self._prepare_sample(position, sample, wanted, batch)
        return len(samples), batch

    def _prepare_sample(
        self,
        position: int,
        sample: Sample,
        wanted: Iterable[tuple[Perturbation, Sequence[int]]],
        batch: Batch,
    ) -> None:
        """Fill one sample's place in a batch."""
        try:
            data = self.testset.source.read(sample.path)
            image = decode(data)
        except (OSError, UnreadableImage) as error:
            for prepared in batch.values():
                prepared.missing[position] = ImageResult("unreadable", error=str(error))
            return
        identity = hashlib.sha256(data).hexdigest()
        for perturbation, indices in wanted:
            generator = draw_generator(self.seed, perturbation.name, identity)
            try:
                perturbed = perturbation.apply(image, generator)
            except Exception as error:
                failed = ImageResult("failed", error=f"{perturbation.name}: {reason(error)}")
                for index in indices:
                    batch[perturbation.name, index].missing[position] = failed
                continue
            for index in indices:
                self._prepare_image(
                    position, perturbed, self.prepares[index], batch[perturbation.name, index]
                )

    def _prepare_image(self, position: int, image: Image, prepare: Prepare, prepared: Prepared) -> None:
        """Run one `prepare` on a copy, so that a detector that draws on its input harms no other."""
        try:
            tensor = prepare(image.copy())
            if not isinstance(tensor, Tensor):
                raise TypeError(f"prepare returned {type(tensor).__name__}, not a tensor")
            prepared.tensors[position] = tensor
        except Exception as error:
            prepared.missing[position] = ImageResult("failed", error=f"prepare: {reason(error)}")


def prepare_of(detector: Detector) -> Prepare:
    """Return what prepares images for a detector: its encoder's `prepare` where it has one."""
    encoder = encoder_of(detector)
    return detector.prepare if encoder is None else encoder.prepare


def encoder_of(detector: Detector) -> Encoder | None:
    """Return the backbone a detector shares with others, if it names one."""
    encoder: Encoder | None = getattr(detector, "encoder", None)
    return encoder


def ahead(make: Callable[[int], tuple[int, Batch]], starts: Iterable[int]) -> Iterator[tuple[int, Batch]]:
    """Make batches in reader threads, at most `_READERS` + 1 ahead, and yield them in order."""
    remaining = iter(starts)
    with ThreadPoolExecutor(_READERS) as readers:
        pending: list[Future[tuple[int, Batch]]] = [
            readers.submit(make, start) for start in islice(remaining, _READERS + 1)
        ]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [readers.submit(make, start) for start in islice(remaining, 1)]
        finally:
            for future in pending:
                future.cancel()


def reason(error: Exception) -> str:
    """Word an exception in one line."""
    first = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
