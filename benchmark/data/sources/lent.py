"""The real images of one dataset beside the fakes of another, read where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from forenbench.types import REAL, FileSource, Sample, Stamp

_MARK = ":/"
"""Ends a lender's name in a path; a slash, so that tools that look at a path's last name see the file's."""


@dataclass(frozen=True, slots=True)
class Lent:
    """Another dataset's source, under paths that begin with its name: ``raise-1k:/r05839451t.png``.

    The name, not where it lies, for digests are made of paths, and are the same wherever it is put.
    """

    lender: str
    source: FileSource

    def read(self, path: str) -> bytes:
        """Return one file's bytes."""
        return self.source.read(path.removeprefix(self.lender + _MARK))

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        """Look at files; their keys are the lender's, so that each is read once, whoever borrows it."""
        begin = self.lender + _MARK
        found = self.source.stamps([path.removeprefix(begin) for path in paths])
        return {path: found[path.removeprefix(begin)] for path in paths}


class Home(NamedTuple):
    """Whose an image is, and its path there."""

    dataset: str
    path: str


def home(dataset: str, path: str) -> Home:
    """Say whose an image is that a dataset holds, so that one that two have borrowed counts once."""
    lender, mark, own = path.partition(_MARK)
    # "a/b:/c" is a file of a folder "b:": a dataset's name has no slash
    return Home(lender, own) if mark and lender and "/" not in lender else Home(dataset, path)


def lend(lender: str, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Make a dataset's reals those of whoever borrows them: shared by all test sets, from this dataset.

    Where it knows itself where they come from, that stands behind its name: ``raise-1k/nikon``.
    """
    return tuple(
        replace(
            sample,
            path=f"{lender}{_MARK}{sample.path}",
            generator="",
            real_source="/".join(dict.fromkeys(filter(None, (lender, sample.real_source)))),
        )
        for sample in samples
        if sample.label == REAL
    )
