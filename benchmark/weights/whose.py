"""Whose weights made a row, in one word, judged by the files themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.files.checksums import sha256_of
from forenbench.types import OWN, PUBLISHED, SAMPLE, UNVERIFIED

from .checkpoint_store import locate

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .file_bytes import FileBytes

_FROM_STRONG_TO_WEAK = (PUBLISHED, SAMPLE, UNVERIFIED, OWN)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a look at a file's size and sha256 gave.

    Attributes:
        whose: "published": its sha256 is a published one. "sample": it came with this package, or with
            another one that says no sha256. "unverified": no sha256 is known. "own": anything else.
        sha256: Of the file.
        problem: How it is not the file that its name promises, in words that follow its name; or empty.
    """

    whose: str
    sha256: str
    problem: str = ""


def judge(checkpoint: Checkpoint, path: Path, content: FileBytes) -> Judgement:
    """Compare what was read from a file with what is known of the checkpoint, without parsing it."""
    sha256, size, here = content.sha256, len(content), locate(checkpoint)
    if sha256 in checkpoint.copies:
        return Judgement(PUBLISHED, sha256)
    known = checkpoint.sha256
    if checkpoint.shipped and not known:
        if path == here:
            return Judgement(SAMPLE, sha256)
        known = sha256_of(here) if here and here.is_file() else None
    if checkpoint.size not in (None, size):
        return Judgement(OWN, sha256, f"has {size} bytes, expected {checkpoint.size}")
    if known and not sha256.startswith(known.lower()):
        return Judgement(OWN, sha256, f"has sha256 {sha256}, expected {known}")
    if checkpoint.command:  # nobody has published it
        return Judgement(OWN, sha256)
    if not known:
        return Judgement(UNVERIFIED, sha256)
    return Judgement(PUBLISHED if checkpoint.sha256 else SAMPLE, sha256)


def weakest(words: Iterable[str]) -> str:
    """Return the word for what rests on several files; on none, it is its author's own."""
    return max(words, key=_FROM_STRONG_TO_WEAK.index, default=OWN)
