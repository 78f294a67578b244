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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

from .counts import Counts
from .times_drawn import BLOCK, COUNTED, Numbers, Times, is_kept, times_drawn

if TYPE_CHECKING:
    import pyarrow as pa

REPLICATES = 1000
STEPS = 1024
"""Distinct scores up to which intervals are exact; beyond, about as many steps of neighbouring scores."""
BLOCKS = REPLICATES // BLOCK
_AT_ONCE = 1 << 21
"""Images times replicates that are measured at once."""
_FEW = 128
"""Images up to which adding row by row is as fast as a sparse matrix, and needs no import of scipy."""

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


def images(labels: NDArray[np.integer], paths: Iterable[str], origins: Iterable[str] = ()) -> Strata:
    """Split all rows of a cell, in their order, into what the bootstrap draws from.

    Args:
        labels: 0 or 1 (n,).
        paths: The images' names (n).
        origins: The photograph or video of each image (n), or nothing; an image whose origin is empty is an
            origin of its own.
    """
    import pyarrow.compute as pc

    names, whole = as_bytes(paths), as_bytes(origins)
    known = pc.not_equal(whole, b"")
    grouped = pc.any(known).as_py()
    if grouped:
        names = pc.if_else(known, whole, names)
    sides = []
    for label in (REAL, FAKE):
        places = np.flatnonzero(labels == label)
        own = names.take(places)
        if grouped:
            # The seed leaves out the label: where reals and fakes come from the same photographs, the same
            # photographs are then drawn for both, and what they share stays in the difference.
            coded = own.dictionary_encode()
            order = pc.sort_indices(coded.dictionary)
            origin = np.argsort(order)[coded.indices]
            sides.append(Side(places, seed_of("origins", coded.dictionary.take(order)), origin))
        else:
            # With the label: else reals and fakes of equal names ("0.png") would be drawn in step.
            sides.append(Side(places, seed_of(str(label), own)))
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
    real, fake = (_count(side, step_of[side.places], steps, block) for side in sides)
    rows = max(1, min(BLOCK, _AT_ONCE // max(1, steps, *(len(side.places) for side in sides))))
    for start in range(0, BLOCK, rows):
        yield Counts(real[start : start + rows], fake[start : start + rows])


def average(testsets: Iterable[Replicates], metric: str, weights: Sequence[float] | None = None) -> Floats:
    """Average a metric's replicates over test sets; none where one of these has none.

    Test sets that share real images share the draws of these, so what they have in common stays in the mean.
    """
    found = [replicates.get(metric) for replicates in testsets]
    # The value is the mean over all test sets; an interval of the others alone would be that of another mean.
    if not found or any(values is None for values in found):
        return np.zeros(0)
    return np.asarray(np.average(np.array(found, np.float64), axis=0, weights=weights))


def _count(side: Side, step_of: NDArray[np.integer], steps: int, block: int) -> Floats:
    """Count what is drawn of one label by step: (`BLOCK`, steps)."""
    if not len(step_of):
        return np.zeros((BLOCK, steps))
    if side.origin is None and not is_kept(len(step_of)):
        return _count_one_by_one(side.seed, step_of, steps, block)
    counted, start = np.zeros((BLOCK, steps)), 0
    scored = np.flatnonzero(step_of >= 0)
    unit = np.arange(len(step_of)) if side.origin is None else side.origin
    units = int(unit.max()) + 1
    # Images that were not scored are drawn as well, and fall out here: coverage is a property of the
    # detector, and all detectors have to see the same draws.
    sums = _sums(step_of[scored], unit[scored], (steps, units))
    for times in times_drawn(side.seed, block, units, origins=side.origin is not None):
        end = start + times.shape[1]
        counted[start:end] = sums(times).T
        start = end
    return counted


def _sums(
    step: NDArray[np.integer], unit: NDArray[np.intp], shape: tuple[int, int]
) -> Callable[[Times], NDArray[Any]]:
    """Return what adds up how often units are drawn (units, some) to how often steps are (steps, some)."""
    if len(step) <= _FEW:

        def one_by_one(times: Times) -> Floats:
            added = np.zeros((shape[0], times.shape[1]))
            for row, of in zip(step.tolist(), unit.tolist(), strict=True):
                added[row] += times[of]
            return added

        return one_by_one
    from scipy.sparse import csr_array

    # Which images are of which step and unit, nearly all of it zero. Whole numbers as narrow as sums allow
    # are exact, and what is narrow is added up faster; drawn are as many units as there are.
    most = shape[1] * int(np.bincount(unit).max())
    members = csr_array((np.ones(len(step), np.min_scalar_type(most)), (step, unit)), shape=shape)
    return lambda times: members @ times


def _count_one_by_one(seed: int, step_of: NDArray[np.integer], steps: int, block: int) -> Floats:
    """Count the steps of so many images that how often each is drawn would take gigabytes."""
    images, numbers = len(step_of), Numbers(np.random.SFC64([seed, block]), len(step_of))
    # One step more for what was not scored; two bytes rather than eight, so that they stay in the cache.
    step_of = np.where(step_of < 0, steps, step_of).astype(np.min_scalar_type(steps))
    counted = np.zeros((BLOCK, steps + 1), np.intp)
    for replicate in counted:
        for start in range(0, images, COUNTED):
            drawn = step_of.take(numbers.take(min(COUNTED, images - start)))
            replicate += np.bincount(drawn, minlength=steps + 1)
    return counted[:, :steps].astype(np.float64)


def as_bytes(names: Iterable[str]) -> pa.Array[Any]:
    """Put names into one piece of memory: of millions, Python's texts would take gigabytes."""
    import pyarrow as pa

    try:
        found = pa.array(names)
    except UnicodeEncodeError:
        # Linux allows file names that are no UTF-8; Python reads them as surrogates, which UTF-8 refuses.
        found = pa.array([name.encode("utf-8", "surrogateescape") for name in names])
    whole = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return whole.cast(pa.large_binary())


def seed_of(what: str, names: pa.Array[Any]) -> int:
    """Make a seed of the names of what is drawn: the same images give the same draws to every detector.

    Args:
        what: Is drawn: the same names of something else give other draws.
        names: As `as_bytes` returns them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    digest, newline = hashlib.sha256(f"{what}\n".encode()), pa.scalar(b"\n", names.type)
    for start in range(0, len(names), 1 << 16):  # joined at once, millions of names would be copied whole
        some = names[start : start + (1 << 16)]
        (joined,) = pc.binary_join(pa.ListArray.from_arrays([0, len(some)], some), newline)
        digest.update(joined.as_buffer())
    return int.from_bytes(digest.digest()[:8], "little")
