"""How far metrics would move with other images of the same kind: the stratified bootstrap.

Real and fake images are drawn with replacement, each as many times as there are of them (Efron 1979; strata
because a benchmark fixes both numbers). What is drawn depends on the images' names alone, so that every
detector and perturbation sees the same resamples, and differences between them can be read off replicate by
replicate; test sets that share their real images share the draws of these, too.

Images of one origin (crops of a photograph, frames of a video) are no independent witnesses. Where images
have origins, these are drawn in their place, each with all its images (Davison and Hinkley 1997, section
3.8); and where reals and fakes have the same ones, the same are drawn for both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

from .counts import Counts

REPLICATES = 1000
STEPS = 1024
"""Distinct scores up to which intervals are exact; beyond, about as many steps of neighbouring scores."""
_BLOCK = 250
"""Replicates of one stream of random numbers."""
BLOCKS = REPLICATES // _BLOCK
_AT_ONCE = 1 << 21
"""Numbers drawn at once: memory stays flat for cells of any size."""
_COUNTED = 1 << 15
"""Numbers counted at once: they stay in the cache."""

Floats: TypeAlias = NDArray[np.float64]
Replicates: TypeAlias = Mapping[str, Floats]
"""One value a replicate, by metric."""


@dataclass(frozen=True, slots=True)
class Strata:
    """The images of a test set as the bootstrap sees them, whether they were scored or not.

    Attributes:
        real: The real ones.
        fake: The fakes.
    """

    real: Side
    fake: Side

    @property
    def origins(self) -> int:
        """How many are drawn from, of the label that has fewer; 0 where images are drawn."""
        known = [side.origin for side in (self.real, self.fake) if side.origin is not None]
        return int(min((origin.max() + 1 for origin in known if origin.size), default=0))


@dataclass(frozen=True, slots=True)
class Side:
    """The images of one label.

    Attributes:
        places: Indices of its rows among all rows of the cell (n,).
        seed: Of its random numbers, made from the names of what is drawn.
        origin: The origin of each by its number (n,); None where images are drawn one by one.
    """

    places: NDArray[np.intp]
    seed: int
    origin: NDArray[np.intp] | None = None


def images(
    labels: NDArray[np.integer], paths: Iterable[str], origins: Sequence[str] | NDArray[np.object_] = ()
) -> Strata:
    """Split all rows of a cell, in their order, into what the bootstrap draws from.

    Args:
        labels: 0 or 1 (n,).
        paths: The images' names (n).
        origins: The photograph or video of each image (n,), or nothing; an image whose origin is empty is an
            origin of its own.
    """
    names = np.asarray(origins, object)
    known = names != ""
    grouped = bool(np.any(known))
    # Millions of paths take gigabytes as objects: they become an array only where they are needed.
    if not (grouped and known.all()):
        own = np.asarray(list(paths), object)
        names = np.where(known, names, own) if grouped else own
    sides = []
    for label in (REAL, FAKE):
        places = np.flatnonzero(labels == label)
        if grouped:
            # The seed leaves out the label: where reals and fakes come from the same photographs, the same
            # photographs are then drawn for both, and what they share stays in the difference.
            distinct, origin = np.unique(names[places], return_inverse=True)
            sides.append(Side(places, seed_of("origins", distinct), origin))
        else:
            # With the label: else reals and fakes of equal names ("0.png") would be drawn in step.
            sides.append(Side(places, seed_of(str(label), names[places])))
    return Strata(*sides)


def resample(drawn: Strata, step_of: NDArray[np.integer], steps: int, block: int) -> Iterator[Counts]:
    """Yield one block of replicates: how many reals and fakes of each step were drawn.

    Args:
        drawn: The images of the test set.
        step_of: For each row the step its score belongs to, -1 if it was not scored.
        steps: How many there are.
        block: Which of `BLOCKS`; any order and any number of threads give the same.
    """
    sides = drawn.real, drawn.fake
    rows = max(1, min(_BLOCK, _AT_ONCE // max(1, steps, *(len(side.places) for side in sides))))
    # A stream gives the same numbers in one go or in many, so that a block may be split to save memory.
    sizes = [min(rows, _BLOCK - start) for start in range(0, _BLOCK, rows)]
    draws: list[Iterator[Floats]] = []
    for side in sides:
        # Each block has a stream of its own, so that threads may draw blocks in any order.
        stream = np.random.Generator(np.random.SFC64([side.seed, block]))
        # Images that were not scored are drawn as well, into one step more, and fall out with it: coverage is
        # a property of the detector, and all detectors have to see the same draws.
        own = np.where(step_of[side.places] < 0, steps, step_of[side.places])
        if not len(own):
            draws.append(np.zeros((size, steps)) for size in sizes)
        elif side.origin is None:
            draws.append(_draw_images(stream, own, steps, sizes))
        else:
            draws.append(_draw_origins(stream, own, side.origin, steps, sizes))
    return map(Counts, *draws)


def average(testsets: Iterable[Replicates], metric: str, weights: Sequence[float] | None = None) -> Floats:
    """Average a metric's replicates over test sets; none where one of these has none.

    Test sets that share real images share the draws of these, so what they have in common stays in the mean.
    """
    found = [replicates.get(metric) for replicates in testsets]
    # The value is the mean over all test sets; an interval of the others alone would be that of another mean.
    if not found or any(values is None for values in found):
        return np.zeros(0)
    return np.asarray(np.average(np.array(found, np.float64), axis=0, weights=weights))


def _draw_images(
    stream: np.random.Generator, step_of: NDArray[np.integer], steps: int, sizes: Sequence[int]
) -> Iterator[Floats]:
    """Draw as many images as there are, each for itself, and count them by step: (size, steps) a size."""
    images = len(step_of)
    step_of = step_of.astype(np.min_scalar_type(steps))  # two bytes rather than eight: they stay in cache
    some = max(1, _COUNTED // images)
    for rows in sizes:
        # Half the memory of int64, and part of what is drawn: of uint16 the same stream gives other numbers.
        found = step_of.take(stream.integers(0, images, (rows, images), dtype=np.uint32))
        counted = []
        for start in range(0, rows, some):
            few = found[start : start + some]
            # One bincount for many rows, each with steps of its own: of few images a call costs more than
            # the counting.
            own = few + np.arange(0, len(few) * (steps + 1), steps + 1)[:, None]
            counted.append(np.bincount(own.ravel(), minlength=len(few) * (steps + 1)))
        yield np.concatenate(counted).reshape(rows, steps + 1)[:, :steps].astype(np.float64)


def _draw_origins(
    stream: np.random.Generator,
    step_of: NDArray[np.integer],
    origin: NDArray[np.intp],
    steps: int,
    sizes: Sequence[int],
) -> Iterator[Floats]:
    """Draw as many origins as there are, each with all its images, and count these by step."""
    from scipy.sparse import csr_array

    # Images of each step and origin (steps, origins), nearly all of them zero: a dense matrix would take a
    # gigabyte from some hundred thousand origins on.
    origins = int(origin.max()) + 1
    members = csr_array((np.ones(len(step_of)), (step_of, origin)), shape=(steps + 1, origins))[:steps]
    for rows in sizes:
        # How often each origin is drawn in n draws is multinomial: no need to draw them one by one.
        times = stream.multinomial(origins, np.full(origins, 1 / origins), rows)
        yield np.ascontiguousarray((members @ times.T.astype(np.float64)).T)


def seed_of(what: str, names: NDArray[np.object_]) -> int:
    """Make a seed of the names of what is drawn: the same images give the same draws to every detector."""
    digest = hashlib.sha256(f"{what}\n".encode())
    for start in range(0, len(names), 1 << 16):  # joined at once, millions of names would be copied whole
        # Linux allows file names that are no UTF-8; Python reads them as surrogates, which UTF-8 refuses.
        digest.update("\n".join(names[start : start + (1 << 16)]).encode("utf-8", "surrogateescape"))
    return int.from_bytes(digest.digest()[:8], "little")
