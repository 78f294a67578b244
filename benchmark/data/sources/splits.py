"""Splits: folders, tables and cells of tables called ``train``, ``val`` or ``test``, in any spelling."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from forenbench.errors import BenchError
from forenbench.types import Sample

SPLITS = {
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "train": "train",
    "training": "train",
}
ALL = "all"
SCORED = ("test", "val", "train")
"""Which split is scored: the first of these that is there."""
TRAINED = ("train", "val", "test")
"""The same for what a detector is trained on."""
VALIDATED = ("val", "test", "train")
"""The same for what says when training ends."""

Folders = tuple[str, ...]


class Taken(NamedTuple):
    """The samples of one split, and those of none; what was left aside, in words."""

    samples: tuple[Sample, ...]
    split: str
    notes: tuple[str, ...]


def split_of(word: str) -> str:
    """Return the split that a word means, in any case; empty for another word."""
    return SPLITS.get(word.strip().lower(), "")


def chosen(word: str) -> tuple[str, ...]:
    """Read which split is asked for: the splits to look for, of which the first that is there counts.

    Raises:
        BenchError: It names no split.
    """
    if word and not split_of(word) and word != ALL:
        raise BenchError(f"split '{word}' is none of {', '.join((*SCORED, ALL))}")
    return (split_of(word) or word,) if word else SCORED


def find_splits(folders: Iterable[Folders], classes: Collection[str] = ()) -> set[Folders]:
    """Find the folders that are splits: ``train`` beside ``test``, or alone.

    ``train`` among folders that are no splits is a class (one of LSUN's), or a generator.

    Args:
        folders: Those that files lie in, each as the names from the top down.
        classes: Names that are none of splits, whatever they are.

    Returns:
        Each split's folder, as the names from the top down.
    """
    beside: dict[Folders, set[str]] = defaultdict(set)
    for names in folders:
        for at, name in enumerate(names):
            beside[names[:at]].add(name)
    found: set[Folders] = set()
    for above, siblings in beside.items():
        # Beside "bird" and "car" a "train" is a vehicle; beside "val", or alone, it is a split.
        called = [name for name in siblings if split_of(name) and name not in classes]
        several = len(set(map(split_of, called))) > 1
        if several or len(called) == len(siblings):
            found |= {(*above, name) for name in called}
    return found


def split_of_table(path: str) -> str:
    """Read the split off a table's or tar file's path, as in ``data/test-00000-of-00002.parquet``.

    Names in a tar file say nothing of it: ``train-0000.tar/val_0001.png``.
    """
    *folders, name = re.split(r"[.]tar/", path, maxsplit=1, flags=re.IGNORECASE)[0].split("/")
    words = (*folders, re.split(r"[-_.]", name)[0])
    return next(filter(None, map(split_of, words)), "")


def take(samples: Sequence[Sample], wanted: Sequence[str]) -> Taken:
    """Take the first of some splits that is there; samples of no split are always taken.

    Args:
        samples: Of all splits.
        wanted: Splits in the order of preference, or `ALL`. A single one must be there.

    Raises:
        BenchError: It is not.
    """
    counts = Counter(sample.split for sample in samples)
    there = [split for split in SCORED if counts[split]]
    if ALL in wanted:
        return Taken(tuple(samples), ALL if there else "", ())
    split = next((split for split in wanted if counts[split]), "")
    if not split and len(wanted) == 1:
        known = f"there is {', '.join(there)}" if there else "it is not divided into splits; ask for none"
        raise BenchError(f"no image is of split '{wanted[0]}': {known}")
    kept = tuple(sample for sample in samples if sample.split in ("", split))
    others = [f"{counts[name]} of '{name}'" for name in there if name != split]
    if not others and split in ("", "test"):
        return Taken(kept, split, ())  # that goes without saying
    aside = f"left aside: {', '.join(others)}; name one to take it" if others else "there is no other"
    free = f" and {counts['']} that are of none" if counts[""] else ""
    return Taken(kept, split, (f"split '{split}' is taken: {counts[split]} files{free}; {aside}",))
