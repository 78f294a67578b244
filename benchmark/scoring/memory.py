"""How much memory networks may take on a device, so that a run of many takes no more than there is."""

from __future__ import annotations

import math
import os
from pathlib import Path

from forenbench.errors import BenchError
from forenbench.files.sizes import parse_size

LIMIT = "FORENBENCH_NETWORK_MEMORY"
"""The environment variable with the memory that networks may take."""

_SHARE = 0.5
"""Of what is free: the rest is for what networks compute, for a file while it is read, and for batches."""
_BATCHES = 0.25
"""Share of what is free beside the networks that batches may take."""
_GROUPS = (
    ("memory.max", "memory.stat", "anon"),  # version 2
    ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss"),  # version 1
)
"""A container's limit, where its use stands, and under which name: of pages that cannot be dropped."""


def network_memory(device: str, root: Path = Path("/")) -> float:
    """Return the bytes that the networks of a run may take together on a device.

    Args:
        device: Of this machine.
        root: Where ``proc`` and ``sys`` are.

    Returns:
        Half of what is free, or what FORENBENCH_NETWORK_MEMORY says; infinity where nobody can tell.

    Raises:
        BenchError: FORENBENCH_NETWORK_MEMORY is no size.
    """
    if text := os.environ.get(LIMIT):
        try:
            return parse_size(text)
        except BenchError as error:
            raise BenchError(f"{LIMIT}: {error}") from error
    if device.startswith("cuda"):
        import torch

        return _SHARE * torch.cuda.mem_get_info(device)[0]
    return _SHARE * _free(root)


def batch_memory(device: str, root: Path = Path("/")) -> float:
    """Return the bytes that batches may take on their way to the networks of a device, which are loaded.

    Args:
        device: Of this machine; a run may have a process for each GPU, all of which read.
        root: Where ``proc`` and ``sys`` are.

    Returns:
        A share of what is free; infinity where nobody can tell.
    """
    processes = 1
    if device.startswith("cuda"):
        import torch

        processes = torch.cuda.device_count()
    return _BATCHES * _free(root) / processes


def _free(root: Path) -> float:
    """Return the bytes of this machine, or this container, that are free."""
    # What new programs can have without swapping, in KiB as Linux estimates it.
    free = [1024 * _number(root / "proc/meminfo", "MemAvailable:")]
    folder = root / "sys/fs/cgroup"
    for limit, statistics, used in _GROUPS:
        try:
            most = (folder / limit).read_text().strip()
        except OSError:
            continue
        # "max" where there is no limit; of version 1 a number beyond all memory.
        if most.isdecimal():
            free.append(int(most) - _number(folder / statistics, used, 0))
    return min(free)


def _number(path: Path, name: str, absent: float = math.inf) -> float:
    """Return the number after a name, of a file with one of them a line."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return absent
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), absent)
