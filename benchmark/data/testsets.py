"""Labelled files → test sets: grouped by generator, chosen by protocol and limit, each with its digest."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from forenbench.data.sources.split_patterns import split_by
from forenbench.data.sources.splits import SCORED, Taken
from forenbench.printable import readable
from forenbench.types import FAKE, LABEL_NAMES, REAL, TAMPERED, Sample

from .choosing import Choice
from .protocols import find_protocol
from .set_notes import SetNote
from .subsets import Subset

if TYPE_CHECKING:
    from .descriptions import Spec
    from .inventory import FileFacts

_AT_ONCE = 1000
"""Lines that are digested together."""
Groups = Mapping[str, Sequence[Sample]]
"""Test sets by name, in table order."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples are asked for.

    Attributes:
        testsets: Only these; empty for all.
        protocol: A name from `forenbench.data.protocols.protocols`.
        limit: At most this many of each label and test set, evenly spaced over those that the protocol chose.
        splits: See `forenbench.data.sources.splits.take`.
        subsets: Of these files alone the protocol chooses: the dataset's own, and one that is asked for.
    """

    testsets: tuple[str, ...] = ()
    protocol: str = "all"
    limit: int | None = None
    splits: tuple[str, ...] = SCORED
    subsets: tuple[Subset, ...] = ()

    def __str__(self) -> str:
        subsets = "".join(f", {one}" for one in self.subsets if str(one))
        limit = "" if self.limit is None else f", limit {self.limit}"
        split = "" if self.splits == SCORED else f", split {self.splits[0]}"
        return self.protocol + subsets + limit + split


def splits_in(protocol: str) -> tuple[str, ...]:
    """Return the splits that were asked for, read off what `Selection` is called."""
    _, _, split = protocol.partition(", split ")
    return (split,) if split else SCORED


def describe(spec: Spec, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Give samples origin, generator and split of a description; what seemed a generator is their class."""
    described = []
    for sample in samples:
        if sample.generator in spec.aliases:
            usual = spec.aliases[sample.generator]
            source = usual if sample.real_source == sample.generator else sample.real_source
            sample = replace(sample, generator=usual, real_source=source)
        if spec.origin:
            found = re.search(spec.origin, sample.path)
            sample = replace(sample, origin=readable(found[1]) if found else "")
        if spec.generator:
            # fakes in no folder but their label's are called like the dataset's folder
            above = sample.generator if sample.path.count("/") > 1 else ""
            sample = replace(
                sample,
                generator=spec.generator,
                class_name="/".join(filter(None, (above, sample.class_name))),
                real_source=spec.generator if sample.label == REAL else "",
            )
        if spec.splits and not sample.split:
            sample = replace(sample, split=split_by(spec.splits, sample.path))
        # where reals that several test sets share are declared, these share them, and no other one
        if spec.rules and sample.label == REAL and not sample.generator and sample.real_source in spec.reals:
            sample = replace(sample, generator=sample.real_source)
        described.append(sample)
    return tuple(described)


def group(spec: Spec, samples: Iterable[Sample]) -> dict[str, tuple[Sample, ...]]:
    """Put each generator's fakes beside its own reals, or those that it shares; in the order of paths."""
    groups: dict[str, list[Sample]] = {}
    shared: dict[str, list[Sample]] = {}
    for sample in samples:
        is_shared = not sample.generator or (sample.generator in spec.reals and sample.label == REAL)
        (shared if is_shared else groups).setdefault(sample.generator, []).append(sample)
    if not groups:  # reals alone: each source of them is a test set, which has a false positive rate
        groups = {sample.real_source: [] for sample in shared.get("", ())}
    order = {name: number for number, name in enumerate(spec.testsets)}
    joined = {}
    for name in sorted(groups, key=lambda name: (order.get(name, len(order)), name)):
        own = groups[name]
        # Declared reals are for a test set that has none of its own: with both, it would have too many.
        has_reals = any(sample.label == REAL for sample in own)
        beside = [
            replace(sample, generator=name)
            for source, reals in shared.items()
            if not source or (name in spec.reals[source] and not has_reals)
            for sample in reals
        ]
        joined[name] = tuple(sorted([*own, *beside], key=attrgetter("path")))
    return joined


def choose(samples: Sequence[Sample], selection: Selection) -> Choice:
    """Choose from one test set by subset, protocol, limit; with notes on what the protocol left out."""
    for subset in selection.subsets:
        sides = ([sample for sample in samples if sample.label == label] for label in LABEL_NAMES)
        kept_paths = {sample.path for side in sides for sample in subset.of_label(side)}
        samples = [sample for sample in samples if sample.path in kept_paths]  # still in the order of paths
    chosen, notes = find_protocol(selection.protocol).choose(samples)
    if selection.limit is None:
        return Choice(chosen, notes)
    kept = []
    for label in LABEL_NAMES:
        same = [sample for sample in chosen if sample.label == label]
        number = min(selection.limit, len(same))
        # evenly spaced: the first ones in the order of paths would be all of one class
        kept += [same[i * len(same) // number] for i in range(number)]
    return Choice(tuple(kept), notes)


def digest(samples: Iterable[Sample], facts: Mapping[str, FileFacts]) -> str:
    """Digest what a test set is: which files under which labels, with which content."""
    # Neither where the files lie nor their times: the same files, moved or copied, are the same test set.
    lines = (f"{sample.label} {facts[sample.path].sha256} {sample.path}\n" for sample in samples)
    total = hashlib.sha256()
    while some := "".join(islice(lines, _AT_ONCE)):
        total.update(some.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def borrowed(lender: Spec, taken: Taken, fakes: Iterable[Sample]) -> Iterator[str]:
    """Yield notes on reals of another dataset: whose they are, of which split, and what pairs with fakes."""
    reals = taken.samples
    at = f" at '{lender.folder}'" if Path(lender.folder).is_absolute() else ""
    yield f"reals of dataset '{lender.name}'{at}: {len(reals)} stand in every test set, read where they are"
    yield from (f"of '{lender.name}', {note}" for note in taken.notes)
    # Pictures of one photograph or caption, which intervals draw together, meet by their origin alone.
    own, theirs = ({sample.origin for sample in some} - {""} for some in (fakes, reals))
    if own and theirs:
        yield f"origins: {len(own & theirs)} of {len(own)} of the fakes are also those of a real image"


def warnings(groups: Groups, facts: Mapping[str, FileFacts]) -> Iterator[SetNote]:
    """Yield notes on what makes scores hard to read: one label, labels that headers tell, clipped grey."""
    for name, samples in groups.items():
        labels = {sample.label for sample in samples} - {TAMPERED}
        if labels == {REAL}:
            yield SetNote(name, "real images only, AP and AUROC are undefined there")
        if labels == {FAKE}:
            yield SetNote(name, "generated images only, AP and AUROC are undefined there")
        if edited := sum(sample.label == TAMPERED for sample in samples):
            yield SetNote(name, "tampered images, which are in no number but their own", str(edited))
        # What tells the labels apart without a look at the picture: no file format, or no size, in common.
        # Files that hold no image have neither.
        known = ((sample.label, facts[sample.path]) for sample in samples)
        images = [(label, fact) for label, fact in known if fact.format]
        traits: dict[str, Callable[[FileFacts], str]] = {
            "file format": lambda fact: fact.format,
            "size": lambda fact: f"{fact.width}×{fact.height}",
        }
        for trait, value in traits.items():
            sides = [Counter(value(fact) for of, fact in images if of == label) for label in (REAL, FAKE)]
            if all(sides) and not sides[0].keys() & sides[1].keys():
                example = " against ".join(side.most_common(1)[0][0] for side in sides)
                yield SetNote(name, f"real and fake share no {trait}, an easy way to cheat", example)
        # Pillow's modes I, I;16 and F: `convert("RGB")` clips them at 255, where viewers would scale
        if deep := sum(fact.mode.startswith(("I", "F")) for _, fact in images):
            words = "grey with more than 8 bits, which are clipped at 255, as the official loaders do"
            yield SetNote(name, words, f"{deep} of {len(samples)} files")
