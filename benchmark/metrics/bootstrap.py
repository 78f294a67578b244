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
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forenbench.types import FAKE, REAL

from .counts import Counts

if TYPE_CHECKING:
    from scipy.sparse import csr_array

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
        places: Among all rows of the cell.
        seed: Of what is drawn, from the names of that.
        origin: The origin of each by its number (n,); None where images are drawn one by one.
    """

    places: NDArray[np.intp]
    seed: int
    origin: NDArray[np.intp] | None = None


def images(
    labels: NDArray[np.integer], paths: Iterable[str], origins: Sequence[str] | NDArray[np.object_] = ()
) -> Strata:
    """Look at all rows of a cell, in their order.

    Args:
        labels: 0 or 1.
        paths: The images' names.
        origins: What images are of; an empty one is no other image's.
    """
    names = np.asarray(origins, object)
    known = names != ""
    grouped = bool(np.any(known))
    if not (grouped and known.all()):  # millions of paths take memory: only where they are needed
        own = np.asarray(list(paths), object)
        names = np.where(known, names, own) if grouped else own
    return Strata(*(_side(label, np.flatnonzero(labels == label), names, grouped) for label in (REAL, FAKE)))


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
    draws = [_drawing(side, step_of[side.places], steps, block) for side in sides]
    for start in range(0, _BLOCK, rows):
        number = min(rows, _BLOCK - start)
        yield Counts(*(draw(number) for draw in draws))


def average(parts: Iterable[Replicates], metric: str, weights: Sequence[float] | None = None) -> Floats:
    """Average a metric's replicates over test sets; none where one of these has none.

    Test sets that share real images share the draws of these, so what they have in common stays in the mean.
    """
    found = [part.get(metric) for part in parts]
    if not found or any(one is None for one in found):
        return np.zeros(0)
    return np.asarray(np.average(np.array(found, np.float64), axis=0, weights=weights))


def _side(label: int, places: NDArray[np.intp], names: NDArray[np.object_], grouped: bool) -> Side:
    """Look at the images of one label; the same origins give the same seed whatever the label."""
    if not grouped:
        return Side(places, _seed(str(label), names[places]))
    distinct, origin = np.unique(names[places], return_inverse=True)
    return Side(places, _seed("origins", distinct), origin)


def _drawing(
    side: Side, step_of: NDArray[np.integer], steps: int, block: int
) -> Callable[[int], NDArray[np.float64]]:
    """Return what draws all images of one label anew, so many times, and counts them by step.

    Images that were not scored are drawn, and fall out.
    """
    stream = np.random.Generator(np.random.SFC64([side.seed, block]))
    step_of = np.where(step_of < 0, steps, step_of)
    if not len(step_of):
        return lambda rows: np.zeros((rows, steps))
    if side.origin is None:
        return lambda rows: _draw_images(stream, step_of, steps, rows)
    return partial(_draw_origins, stream, _by_origin(side.origin, step_of, steps))


def _draw_images(
    stream: np.random.Generator, step_of: NDArray[np.integer], steps: int, rows: int
) -> NDArray[np.float64]:
    """Draw each image for itself."""
    places = stream.integers(0, len(step_of), (rows, len(step_of)), dtype=np.uint32)
    found = step_of.astype(np.min_scalar_type(steps)).take(places)  # small numbers stay in the cache
    some = max(1, _COUNTED // len(step_of))
    several = (_count(found[start : start + some], steps + 1) for start in range(0, rows, some))
    return np.concatenate(list(several))[:, :steps].astype(np.float64)


def _count(found: NDArray[np.unsignedinteger], steps: int) -> NDArray[np.intp]:
    """Count the steps of each row, all rows in one go: of few images a call costs more than the counting."""
    rows = len(found)
    own = found + np.arange(0, rows * steps, steps)[:, None]
    return np.bincount(own.ravel(), minlength=rows * steps).reshape(rows, steps)


def _by_origin(origin: NDArray[np.intp], step_of: NDArray[np.integer], steps: int) -> csr_array:
    """Count each origin's images by step (steps, origins)."""
    from scipy.sparse import csr_array

    shape = steps + 1, int(origin.max()) + 1
    return csr_array((np.ones(len(origin)), (step_of, origin)), shape=shape)[:steps]


def _draw_origins(stream: np.random.Generator, members: csr_array, rows: int) -> NDArray[np.float64]:
    """Draw origins, each with all its images."""
    origins = members.shape[1]
    times = stream.multinomial(origins, np.full(origins, 1 / origins), rows)
    return np.ascontiguousarray((members @ times.T.astype(np.float64)).T)


def _seed(what: str, names: NDArray[np.object_]) -> int:
    """Make a seed of the names of what is drawn."""
    digest = hashlib.sha256(f"{what}\n".encode())
    for start in range(0, len(names), 1 << 16):
        digest.update("\n".join(names[start : start + (1 << 16)]).encode("utf-8", "surrogateescape"))
    return int.from_bytes(digest.digest()[:8], "little")
