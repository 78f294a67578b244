"""A dataset that was opened: its test sets, and what is known of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forenbench.types import TestSet

from .inventory import FileFacts


@dataclass(frozen=True, slots=True)
class Dataset:
    """Test sets that belong together, and what was found on the way.

    Attributes:
        name: What tables and the store call it.
        checkpoints: The kind of checkpoints that is the default here.
        testsets: In table order.
        facts: Every file's facts, by path.
        notes: What a reader must know: files left aside, labels or test sets missing.
    """

    name: str
    checkpoints: str
    testsets: tuple[TestSet, ...]
    facts: Mapping[str, FileFacts]
    notes: tuple[str, ...]
