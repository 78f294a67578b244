"""Photographs and what a small generator makes of them, to see which way a detector's scores point."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch

from forenbench.sample.fakes import generate, load_generator
from forenbench.sample.photographs import crop, photographs

from .tiny import quick_png

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIRS = 32
_SIDE = 224
"""What most detectors cut, and divisible by four for the generator."""


@cache
def pairs() -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Make files of `PAIRS` crops of photographs, and of as many fakes of the same content; always the same.

    They are none of the sample dataset's, whose test set of this family has crops of its own.
    """
    # Those of scikit-learn are left out: to find them would import it, which takes longer than all this.
    sources = [one for one in photographs("test") if one.package == "skimage"]
    places = [(one, number) for number in range(PAIRS // len(sources)) for one in sources]
    reals = [crop(one, "contract", number).crop((0, 0, _SIDE, _SIDE)) for one, number in places]
    generator, threads = load_generator("nearest"), torch.get_num_threads()
    # One thread, as where the sample is made: the same pixels everywhere, and no wait of one for the others.
    torch.set_num_threads(1)
    try:
        fakes = [generate(generator, real, seed=0) for real in reals]
    finally:
        torch.set_num_threads(threads)
    return [quick_png(real) for real in reals], [quick_png(fake) for fake in fakes]
