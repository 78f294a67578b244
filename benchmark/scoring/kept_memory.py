"""Memory that networks compute in on a CPU, kept from batch to batch.

glibc maps every large block anew and unmaps it when it is freed, so that the kernel finds and clears pages
for each activation of each batch: 15,000 an image of a ResNet-50. Kept, the same pages serve all batches.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from forenbench.errors import BenchError

KEEP = "FORENBENCH_KEEP_MEMORY"
"""The environment variable that says ``no`` to all of this."""

# By their numbers in malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1}
"""No block is mapped by itself, and none is given back from the heap's end: the most that an int holds."""
_USUAL = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}
"""glibc moves its thresholds as blocks are freed until somebody sets one; these are where that ends."""
_OWN_SETTINGS = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")


@contextmanager
def keeping_memory(device: str) -> Iterator[None]:
    """Keep what networks on a CPU have freed inside, for their next batch; at the end, give it back.

    That is so for the whole process, other threads included. Of two blocks at once, the first to end ends it
    for both, which costs time and nothing else. Nothing happens for other devices and without glibc.

    Args:
        device: Where networks compute.

    Raises:
        BenchError: FORENBENCH_KEEP_MEMORY is neither yes nor no.
    """
    version = None
    # Windows has no such function, macOS no such name, musl no such value.
    with suppress(AttributeError, ValueError, OSError):
        version = os.confstr("CS_GNU_LIBC_VERSION")
    if not is_wanted() or device != "cpu" or not version:
        yield
        return
    glibc = ctypes.CDLL(None)  # under another allocator (LD_PRELOAD), it sets what nobody reads
    _set(glibc, _KEPT)
    try:
        yield
    finally:
        _set(glibc, _USUAL)
        glibc.malloc_trim(0)


def is_wanted() -> bool:
    """Say whether memory is to be kept: unless FORENBENCH_KEEP_MEMORY or the user's own settings forbid it.

    Raises:
        BenchError: FORENBENCH_KEEP_MEMORY is neither yes nor no.
    """
    text = os.environ.get(KEEP) or "yes"
    if text not in ("yes", "no"):
        raise BenchError(f"{KEEP}: '{text}' is neither yes nor no")
    has_own = any(os.environ.get(name) for name in _OWN_SETTINGS)
    return text == "yes" and not has_own and "glibc.malloc" not in os.environ.get("GLIBC_TUNABLES", "")


def _set(glibc: ctypes.CDLL, settings: Mapping[int, int]) -> None:
    for parameter, number in settings.items():
        glibc.mallopt(parameter, number)
