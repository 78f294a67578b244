"""What a source holds, once it was looked through."""

from __future__ import annotations

from dataclasses import dataclass

from forenbench.types import Sample


@dataclass(frozen=True, slots=True)
class Findings:
    """What a source holds.

    Attributes:
        samples: Files with a label.
        unlabelled: Files without.
        notes: What else a reader must know, in words.
        borrowed: Reals of another dataset that stand beside them.
    """

    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...]
    notes: tuple[str, ...] = ()
    borrowed: tuple[Sample, ...] = ()
