"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .regular import open_regular


def sha256_of(path: Path) -> str:
    """Return the sha256 of a regular file, as hex."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
