"""What only code can say of how official code chooses files; protocols name these functions.

Each takes one test set's samples in the order of their paths. It returns those that count, in the order in
which the official code scores them, and words for what it leaves out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from forenbench.types import FAKE, REAL, TAMPERED, Sample

_MANY, _FEW = 1000, 100
_UNIVFD = ("png", "jpg", "JPEG", "jpeg", "bmp")


class Remark(NamedTuple):
    """What a protocol does: in words that hold for other test sets, too, and what is this one's own of it."""

    words: str
    particular: str = ""


class Choice(NamedTuple):
    """The samples that count, and what is left out, in words."""

    samples: tuple[Sample, ...]
    notes: tuple[Remark, ...] = ()


def drawn_by_univfd(samples: Sequence[Sample]) -> Choice:
    """Choose as ``validate.py`` of UniversalFakeDetect does: by the second part of the name, then at random.

    1000 of each label are drawn, or 100 where either has fewer than 1000. Python's `random`, seeded with 0
    for each test set, shuffles first the real files, then the others. The official code starts from the
    order in which the file system lists them; here it is that of their paths.
    """
    named, nameless = split(
        samples, lambda s: "." in name_of(s), "without a dot, where the official code stops"
    )
    # validate.py looks at `name.split('.')[1]`: "a.b.png" is left out, and "a.png.txt" counts
    listed, others = split(named, lambda s: name_of(s).split(".")[1] in _UNIVFD, "of another extension")
    listed, tampered = split(
        listed, lambda s: s.label != TAMPERED, "of tampered images, which the official code lacks"
    )
    real, fake = ([sample for sample in listed if sample.label == label] for label in (REAL, FAKE))
    number = _MANY if min(len(real), len(fake)) >= _MANY else _FEW
    # One generator for both: how the fakes fall depends on how many reals were shuffled before them.
    generator = random.Random(0)
    generator.shuffle(real)
    generator.shuffle(fake)
    drawn_real, drawn_fake = real[:number], fake[:number]
    numbers = f"{len(drawn_real)} of {len(real)} real and {len(drawn_fake)} of {len(fake)} fake"
    drawn = [Remark("draws files", numbers)]
    if len(drawn_real) != len(drawn_fake):
        drawn.append(Remark("draws fewer of one label than of the other, where the official code stops"))
    return Choice((*drawn_real, *drawn_fake), (*nameless, *others, *tampered, *drawn))


def last_of_a_stem(samples: Sequence[Sample]) -> Choice:
    """Choose as LGrad does: the last of those that share folder and stem.

    The official code stores each gradient picture under the name up to the first dot, so that of two such
    files the later one overwrites the earlier.
    """
    last = {}
    for sample in samples:  # in the order of paths: a later one takes the place of an earlier one
        folder, _, name = sample.path.rpartition("/")
        last[folder, name.partition(".")[0]] = sample
    kept = set(last.values())
    return split(samples, kept.__contains__, "overwritten by a later one of the same stem")


FUNCTIONS: Mapping[str, Callable[[Sequence[Sample]], Choice]] = {
    function.__name__: function for function in (drawn_by_univfd, last_of_a_stem)
}
"""By the names that protocols call them by."""


def name_of(sample: Sample) -> str:
    """Return the file's name without its folders."""
    return sample.path.rpartition("/")[2]


def split(samples: Sequence[Sample], counts: Callable[[Sample], bool], reason: str) -> Choice:
    """Keep the samples that count; say how many do not, and why."""
    kept = tuple(sample for sample in samples if counts(sample))
    others = [sample for sample in samples if not counts(sample)]
    if not others:
        return Choice(kept)
    return Choice(
        kept, (Remark(f"leaves out files {reason}", f"{len(others)}, the first '{others[0].path}'"),)
    )
