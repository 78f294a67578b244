"""How often each image, or origin, is drawn in each replicate: made once for all cells of a test set.

The cells of a test set draw the same images, whichever detector scored them under whichever perturbation.
What they differ in, the steps of their scores, comes last: a sum of rows, much faster than drawing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

BLOCK = 250
"""Replicates of one stream of random numbers."""
ROOM = 1 << 28
"""Bytes that are kept for the next cell of a test set; of a larger one nothing is, and each cell draws."""
_BLOCKS = 4
_AT_ONCE = 1 << 23
"""Images times replicates that lie in memory at once: it stays flat for cells of any size."""
COUNTED = 1 << 14
"""Numbers drawn and counted at once: they stay in the cache."""
_BITS = np.uint64(32)

Times: TypeAlias = NDArray[np.unsignedinteger]
_Key = tuple[int, int, bool, int]


class _Kept:
    """What was drawn last, as much of it as there is room for; several threads may ask."""

    def __init__(self) -> None:
        self._found: OrderedDict[_Key, Sequence[Times]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: _Key) -> Sequence[Times] | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: _Key, drawn: Sequence[Times]) -> None:
        with self._lock:
            self._bytes += _bytes(drawn) - _bytes(self._found.pop(key, ()))  # two threads may draw the same
            self._found[key] = drawn
            while self._bytes > ROOM:
                self._bytes -= _bytes(self._found.popitem(last=False)[1])


def _bytes(drawn: Sequence[Times]) -> int:
    return sum(times.nbytes for times in drawn)


_KEPT = _Kept()


def is_kept(units: int) -> bool:
    """Say whether what is drawn of so many images (or origins) of a label is kept for the next cell."""
    return units * BLOCK * _BLOCKS <= ROOM // 2  # a byte each, of both labels


def times_drawn(seed: int, block: int, units: int, *, origins: bool = False) -> Iterator[Times]:
    """Yield how often each of some units is drawn when as many are drawn with replacement.

    Args:
        seed: Of the random numbers.
        block: The stream of that seed.
        units: How many there are, one at least.
        origins: They are few, and drawn all at once.

    Yields:
        (units, some) for the next some of `BLOCK` replicates: a row a unit, so that rows of a step add up.
    """
    key = seed, units, origins, block
    if (kept := _KEPT.get(key)) is not None:
        yield from kept
        return
    # Each block has a stream of its own, so that threads may draw blocks in any order.
    bits = np.random.SFC64([seed, block])
    drawn = _of_origins(bits, units) if origins else _of_images(bits, units)
    if not is_kept(units):
        yield from drawn
        return
    found = list(drawn)
    _KEPT.put(key, found)
    yield from found


def _of_images(bits: np.random.BitGenerator, units: int) -> Iterator[Times]:
    """Draw one by one, and count."""
    numbers, one = Numbers(bits, units), np.uint8(1)
    some, rows = max(1, COUNTED // units), max(1, _AT_ONCE // units)
    for start in range(0, BLOCK, rows):
        # A byte holds any of these numbers: that an image is drawn 256 times has a probability of 1 in 10 to
        # the power of 500.
        counted = np.zeros((min(rows, BLOCK - start), units), np.uint8)
        for at in range(0, len(counted), some):
            several = counted[at : at + some]
            for begin in range(0, several.size, COUNTED):
                own = numbers.take(min(COUNTED, several.size - begin))
                if len(several) > 1:  # of few images a call a replicate would cost more than the counting
                    own = (own.reshape(several.shape) + np.arange(0, several.size, units)[:, None]).ravel()
                np.add.at(several.reshape(-1), own, one)
        yield np.ascontiguousarray(counted.T)


def _of_origins(bits: np.random.BitGenerator, units: int) -> Iterator[Times]:
    """How often each is drawn is multinomial: no need to draw them one by one."""
    stream, rows = np.random.Generator(bits), max(1, _AT_ONCE // units)
    # A stream gives the same numbers in one go or in many, so that a block may be split to save memory.
    for start in range(0, BLOCK, rows):
        times = stream.multinomial(units, np.full(units, 1 / units), min(rows, BLOCK - start))
        yield np.ascontiguousarray(times.T.astype(np.min_scalar_type(times.max())))


class Numbers:
    """Random whole numbers below some limit: those of `Generator.integers` as uint32, in fewer nanoseconds.

    A number is the upper half of 32 random bits times the limit. Where the lower half is below 2³² modulo the
    limit it is passed over, or some numbers would come more often than others (Lemire 2019).

    Args:
        bits: Where they come from.
        limit: One more than the highest.
    """

    def __init__(self, bits: np.random.BitGenerator, limit: int) -> None:
        self._bits, self._limit = bits, np.uint64(limit)
        self._refused = 2**32 % limit
        self._left: NDArray[np.int64] = np.zeros(0, np.int64)

    def take(self, number: int) -> NDArray[np.int64]:
        """Return the next numbers (number,)."""
        if self._limit == 1:  # for which no bits are drawn
            return np.zeros(number, np.int64)
        found = self._left
        while len(found) < number:
            # two of 32 bits from each of 64, the lower half first
            raw = self._bits.random_raw((number - len(found) + 1) // 2).astype("<u8", copy=False).view("<u4")
            products = np.multiply(raw, self._limit, dtype=np.uint64)
            lower = products.astype(np.uint32)
            products >>= _BITS
            if lower.min() < self._refused:
                products = products[lower >= self._refused]
            more = products.view(np.int64)
            found = np.concatenate([found, more]) if len(found) else more
        self._left = found[number:]
        return found[:number]
