"""Files with one flipped bit each, and what reading them gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from forenbench.errors import BenchError

EVERY_BIT = range(8)


def flip_each(
    file: Path, read: Callable[[], object], bits: Iterable[int] | None = None, stride: int = 1
) -> Counter[str]:
    """Flip bits of a file one by one, and count what came of it; the file is whole again afterwards.

    Args:
        file: What is damaged.
        read: What depends on it; its results are compared by ``==``.
        bits: Of each byte; without it one of each, another in the next byte.
        stride: From one byte to the next that is damaged.

    Returns:
        How often reading gave what the whole file gives (``same``), was refused (``named``), or gave
        something else (``other``).
    """
    whole, expected = file.read_bytes(), read()
    found: Counter[str] = Counter()
    for at in range(0, len(whole), stride):
        for bit in [at // stride % 8] if bits is None else bits:
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            file.write_bytes(damaged)
            try:
                found["same" if read() == expected else "other"] += 1
            except BenchError:
                found["named"] += 1
    file.write_bytes(whole)
    return found
