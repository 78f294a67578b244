"""Real images of tables that name their source where fakes have their generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forenbench.types import REAL, Sample


def share_reals(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """Put reals into every test set where what they have for a generator is none: no other image has it.

    Taken for generators, each such name would be a test set of reals only, beside others without any. In a
    table of reals alone they divide the reals.

    Returns:
        The samples, and a note where there are such reals.
    """
    of_reals = dict.fromkeys(one.generator for one in samples if one.label == REAL and one.generator)
    of_others = {one.generator for one in samples if one.label != REAL}
    if not of_reals or not of_others or not of_others.isdisjoint(of_reals):
        return list(samples), []
    shared = [replace(one, generator="") if one.label == REAL else one for one in samples]
    some = ", ".join(list(of_reals)[:3]) + (", …" if len(of_reals) > 3 else "")
    return shared, [
        f"what real images have for a generator ({some}) no generated image has: it is taken for their "
        "source, and they are in every test set"
    ]
