"""Sizes: read from words, and of what lies on the disk."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from forenbench.errors import BenchError

_UNITS = ("", "K", "M", "G", "T")


def parse_size(text: str) -> int:
    """Turn ``20GB``, ``1.5 TB``, ``500mb`` or ``0`` into bytes; units are decimal, none means bytes.

    Raises:
        BenchError: It is something else.
    """
    # [0-9], for \d takes the digits of every script. Decimal, for the float 2.01 times 1000 is 2009.99….
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)B?", text.strip().upper())
    if not match:
        raise BenchError(f"'{text}' is no size; write one such as 20GB, 500MB or 0")
    return int(Decimal(match[1]) * 1000 ** _UNITS.index(match[2]))


def size_of(path: Path) -> int:
    """Add up the bytes of a file, or of all files in a folder, without those that links lead to."""
    inside = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    size = 0
    for file in [path] if path.is_file() else inside:
        with suppress(FileNotFoundError):  # a run is going on
            size += file.lstat().st_size
    return size
