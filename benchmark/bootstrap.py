"""How far metrics would move with other images of the same kind: the stratified bootstrap.

Real and fake images are drawn with replacement, each as many times as there are of them (Efron 1979; strata
because a benchmark fixes both numbers). What is drawn depends on the images' names alone, so that every
detector and perturbation sees the same resamples, and differences between them can be read off replicate by
replicate; test sets that share their real images share the draws of these, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .counts import Counts
from .types import FAKE, REAL

REPLICATES = 1000
LEVEL = 0.95
STEPS = 1024
"""Distinct scores up to which intervals are exact; beyond, about as many steps of neighbouring scores."""
_BLOCK = 250
"""Replicates of one stream of random numbers."""
BLOCKS = REPLICATES // _BLOCK
ROUNDING = 1e-12
"""Differences below it are none."""
_AT_ONCE = 1 << 21
"""Numbers drawn at once: memory stays flat for cells of any size."""

Floats: TypeAlias = NDArray[np.float64]
Replicates: TypeAlias = Mapping[str, Floats]
"""One value a replicate, by metric."""


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a test set as the bootstrap sees them, whether they were scored or not.

    Attributes:
        real: Places of the real ones among all rows.
        fake: Places of the fakes.
        seeds: One for each, from the names of the images.
    """

    real: NDArray[np.intp]
    fake: NDArray[np.intp]
    seeds: tuple[int, int]


def images(labels: NDArray[np.integer], paths: Iterable[str]) -> Images:
    """Look at all rows of a cell, in their order."""
    labels, paths = np.asarray(labels), np.asarray(list(paths), object)
    places = [np.flatnonzero(labels == label) for label in (REAL, FAKE)]
    seeds = [_seed(label, paths[where]) for label, where in zip((REAL, FAKE), places, strict=True)]
    return Images(places[0], places[1], (seeds[0], seeds[1]))


def resample(drawn: Images, step_of: NDArray[np.integer], steps: int, block: int) -> Iterator[Counts]:
    """Yield one block of replicates: how many reals and fakes of each step were drawn.

    Args:
        drawn: The images of the test set.
        step_of: For each row the step its score belongs to, -1 if it was not scored.
        steps: How many there are.
        block: Which of `BLOCKS`; any order and any number of threads give the same.
    """
    streams = [np.random.Generator(np.random.SFC64([seed, block])) for seed in drawn.seeds]
    sides = [np.where(step_of[side] < 0, steps, step_of[side]) for side in (drawn.real, drawn.fake)]
    rows = max(1, min(_BLOCK, _AT_ONCE // max(1, steps, *map(len, sides))))
    for start in range(0, _BLOCK, rows):
        number = min(rows, _BLOCK - start)
        counts = [_draw(stream, side, steps, number) for stream, side in zip(streams, sides, strict=True)]
        yield Counts(*counts)


def interval(replicates: Floats, value: float = float("nan")) -> tuple[float, float]:
    """Return the middle 95 % of a metric's replicates; NaN where they do not differ, or 5 % are undefined.

    Resamples cannot show what never happened: where all give one number, they say nothing about others.

    Args:
        replicates: Of one metric.
        value: Of the images themselves. The interval is stretched to it: near the end of its range the
            replicates of AP, or of a calibration error, can all lie on one side of it.
    """
    known = replicates[np.isfinite(replicates)]
    if known.size <= LEVEL * replicates.size or not varies(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(np.fmin(low, value)), float(np.fmax(high, value))


def average(parts: Iterable[Replicates], metric: str, weights: Sequence[float] | None = None) -> Floats:
    """Average a metric's replicates over test sets; none where one of these has none.

    Test sets that share real images share the draws of these, so what they have in common stays in the mean.
    """
    found = [part.get(metric) for part in parts]
    if not found or any(one is None for one in found):
        return np.zeros(0)
    return np.asarray(np.average(np.array(found, np.float64), axis=0, weights=weights))


def varies(replicates: Floats) -> bool:
    """Say whether there are different values, beyond rounding."""
    return bool(replicates.size) and float(np.ptp(replicates)) > ROUNDING


def _draw(
    stream: np.random.Generator, step_of: NDArray[np.integer], steps: int, rows: int
) -> NDArray[np.float64]:
    """Draw all images of one label anew, `rows` times, and count them by step; unscored ones fall out."""
    if not len(step_of):
        return np.zeros((rows, steps))
    places = stream.integers(0, len(step_of), (rows, len(step_of)), dtype=np.uint32)
    found = step_of.astype(np.min_scalar_type(steps)).take(places)  # small numbers stay in the cache
    return np.array([np.bincount(row, minlength=steps + 1)[:steps] for row in found], np.float64)


def _seed(label: int, paths: NDArray[np.object_]) -> int:
    """Make a seed of images' names."""
    digest = hashlib.sha256(f"{label}\n".encode())
    for start in range(0, len(paths), 1 << 16):
        digest.update("\n".join(paths[start : start + (1 << 16)]).encode("utf-8", "surrogateescape"))
    return int.from_bytes(digest.digest()[:8], "little")
