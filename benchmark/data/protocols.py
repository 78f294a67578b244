"""Protocols: which files of a test set count, by the rules of the papers' official code.

Every protocol is a pure function of one test set's samples in the order of their paths. It returns the
samples that count, in the order in which the official code scores them, and words for what it leaves out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from forenbench.types import FAKE, REAL, Sample

_MANY, _FEW = 1000, 100
_UNIVFD = ("png", "jpg", "JPEG", "jpeg", "bmp")
_IMAGE_FOLDER = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
_LGRAD = (".jpg", ".bmp", ".png", ".jpeg", ".webp")


class Choice(NamedTuple):
    """The samples that count, and what is left out, in words."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protocol:
    """A rule by which files are chosen."""

    description: str
    choose: Callable[[Sequence[Sample]], Choice]


def all_files(samples: Sequence[Sample]) -> Choice:
    """Let every file count."""
    return Choice(tuple(samples))


def univfd_official(samples: Sequence[Sample]) -> Choice:
    """Choose as ``validate.py`` of UniversalFakeDetect does: by the second part of the name, then at random.

    1000 of each label are drawn, or 100 where either has fewer than 1000. Python's `random`, seeded with 0
    for each test set, shuffles first the real files, then the others. The official code starts from the
    order in which the file system lists them; here it is that of their paths.
    """
    named, nameless = _split(
        samples, lambda s: "." in _name(s), "without a dot, where the official code stops"
    )
    # validate.py looks at `name.split('.')[1]`: "a.b.png" is left out, and "a.png.txt" counts
    listed, others = _split(named, lambda s: _name(s).split(".")[1] in _UNIVFD, "of another extension")
    real, fake = ([sample for sample in listed if sample.label == label] for label in (REAL, FAKE))
    number = _MANY if min(len(real), len(fake)) >= _MANY else _FEW
    # One generator for both: how the fakes fall depends on how many reals were shuffled before them.
    generator = random.Random(0)
    generator.shuffle(real)
    generator.shuffle(fake)
    drawn_real, drawn_fake = real[:number], fake[:number]
    drawn = [f"draws {len(drawn_real)} of {len(real)} real and {len(drawn_fake)} of {len(fake)} fake"]
    if len(drawn_real) != len(drawn_fake):
        drawn.append("draws fewer of one label than of the other, where the official code stops")
    return Choice((*drawn_real, *drawn_fake), (*nameless, *others, *drawn))


def cnndetection_official(samples: Sequence[Sample]) -> Choice:
    """Choose as CNNDetection does: the extensions of torchvision's ``ImageFolder``, in any case."""
    return _split(samples, lambda s: _name(s).lower().endswith(_IMAGE_FOLDER), "of another extension")


def lgrad_official(samples: Sequence[Sample]) -> Choice:
    """Choose as LGrad does: five extensions in lower case, and the last of those that share folder and stem.

    The official code stores each gradient picture under the name up to the first dot, so that of two such
    files the later one overwrites the earlier.
    """
    listed, others = _split(samples, lambda s: _name(s).endswith(_LGRAD), "of another extension")
    last = {}
    for sample in listed:  # in the order of paths: a later one takes the place of an earlier one
        folder, _, name = sample.path.rpartition("/")
        last[folder, name.partition(".")[0]] = sample
    kept = set(last.values())
    chosen, overwritten = _split(listed, kept.__contains__, "overwritten by a later one of the same stem")
    return Choice(chosen, others + overwritten)


PROTOCOLS: Mapping[str, Protocol] = {
    "all": Protocol("every file", all_files),
    "univfd-official": Protocol("1000 of each label, or 100; drawn with seed 0", univfd_official),
    "cnndetection-official": Protocol("the extensions of torchvision's ImageFolder", cnndetection_official),
    "lgrad-official": Protocol("five lower-case extensions; same stem: the last", lgrad_official),
}


def _name(sample: Sample) -> str:
    """Return the file's name without its folders."""
    return sample.path.rpartition("/")[2]


def _split(samples: Sequence[Sample], counts: Callable[[Sample], bool], reason: str) -> Choice:
    """Keep the samples that count; say how many do not, and why."""
    kept = tuple(sample for sample in samples if counts(sample))
    others = [sample for sample in samples if not counts(sample)]
    notes = (f"leaves out {len(others)} {reason}, the first '{others[0].path}'",) if others else ()
    return Choice(kept, notes)
