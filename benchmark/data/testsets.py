"""Labelled files → test sets: grouped by generator, chosen by protocol and limit, each with its digest."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forenbench.data.sources.splits import SCORED
from forenbench.printable import readable
from forenbench.types import FAKE, REAL, Sample

from .descriptions import Spec
from .protocols import PROTOCOLS

if TYPE_CHECKING:
    from .inventory import FileFacts

Groups = Mapping[str, Sequence[Sample]]
"""Test sets by name, in table order."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples are asked for.

    Attributes:
        testsets: Only these; empty for all.
        protocol: A name from `PROTOCOLS`.
        limit: At most this many of each label and test set, evenly spaced over those that the protocol chose.
        splits: See `forenbench.data.sources.splits.take`.
    """

    testsets: tuple[str, ...] = ()
    protocol: str = "all"
    limit: int | None = None
    splits: tuple[str, ...] = SCORED

    def __str__(self) -> str:
        limit = "" if self.limit is None else f", limit {self.limit}"
        split = "" if self.splits == SCORED else f", split {self.splits[0]}"
        return self.protocol + limit + split


def splits_in(protocol: str) -> tuple[str, ...]:
    """Return the splits that were asked for, read off what `Selection` is called."""
    _, _, split = protocol.partition(", split ")
    return (split,) if split else SCORED


def describe(spec: Spec, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Give samples the origin and the generator of a description; what this seemed to be is their class."""
    if spec.origin:
        samples = (replace(sample, origin=_origin(spec.origin, sample.path)) for sample in samples)
    if not spec.generator:
        return tuple(samples)
    return tuple(
        replace(
            sample,
            generator=spec.generator,
            class_name="/".join(filter(None, (sample.generator, sample.class_name))),
            real_source=spec.generator if sample.label == REAL else "",
        )
        for sample in samples
    )


def _origin(pattern: str, path: str) -> str:
    """Read an origin off a path; empty where there is none."""
    found = re.search(pattern, path)
    return readable(found[1]) if found else ""


def group(spec: Spec, samples: Iterable[Sample]) -> dict[str, tuple[Sample, ...]]:
    """Put each generator's fakes beside its own reals, or those that it shares; in the order of paths."""
    groups: dict[str, list[Sample]] = {}
    shared: dict[str, list[Sample]] = {}
    for sample in samples:
        is_shared = not sample.generator or (sample.generator in spec.reals and sample.label == REAL)
        (shared if is_shared else groups).setdefault(sample.generator, []).append(sample)
    if not groups:
        groups = {sample.real_source: [] for sample in shared.get("", ())}
    order = {name: place for place, name in enumerate(spec.testsets)}
    return {
        name: tuple(sorted([*groups[name], *_beside(name, groups[name], shared, spec)], key=lambda s: s.path))
        for name in sorted(groups, key=lambda name: (order.get(name, len(order)), name))
    }


def _beside(
    name: str, own: Iterable[Sample], shared: Mapping[str, Iterable[Sample]], spec: Spec
) -> Iterator[Sample]:
    """Yield the shared reals of a test set; declared ones are for a test set that has none of its own."""
    has_reals = any(sample.label == REAL for sample in own)
    for source, samples in shared.items():
        if not source or (name in spec.reals[source] and not has_reals):
            yield from (replace(sample, generator=name) for sample in samples)


def choose(samples: Sequence[Sample], selection: Selection) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Choose from one test set by protocol, then by limit; with words on what the protocol did."""
    chosen, notes = PROTOCOLS[selection.protocol].choose(samples)
    return _thin(chosen, selection.limit), notes


def _thin(samples: tuple[Sample, ...], limit: int | None) -> tuple[Sample, ...]:
    """Keep at most `limit` samples of each label, evenly spaced."""
    if limit is None:
        return samples
    kept = []
    for label in (REAL, FAKE):
        same = [sample for sample in samples if sample.label == label]
        number = min(limit, len(same))
        kept += [same[i * len(same) // number] for i in range(number)]
    return tuple(kept)


def digest(samples: Iterable[Sample], facts: Mapping[str, FileFacts]) -> str:
    """Digest what a test set is: which files under which labels, with which content."""
    lines = (f"{sample.label} {facts[sample.path].sha256} {sample.path}\n" for sample in samples)
    total = hashlib.sha256()
    for line in lines:
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def warnings(groups: Groups, facts: Mapping[str, FileFacts]) -> Iterator[str]:
    """Word what makes scores hard to read: one label only, labels that headers give away, clipped grey."""
    for name, samples in groups.items():
        labels = {sample.label for sample in samples}
        if labels == {REAL}:
            yield f"test set '{name}' has real images only: AP and AUROC are undefined there"
        if labels == {FAKE}:
            yield f"test set '{name}' has generated images only: AP and AUROC are undefined there"
        yield from _shortcuts(name, samples, facts)
        deep = sum(facts[sample.path].mode.startswith(("I", "F")) for sample in samples)
        if deep:
            yield (
                f"test set '{name}': {deep} of {len(samples)} files are grey with more than 8 bits, which "
                "are clipped at 255, as the official loaders do"
            )


def _shortcuts(name: str, samples: Sequence[Sample], facts: Mapping[str, FileFacts]) -> Iterator[str]:
    """Name what tells the labels apart without a look at the picture: no file format or size in common."""
    real, fake = ([facts[s.path] for s in samples if s.label == label] for label in (REAL, FAKE))
    traits: dict[str, Callable[[FileFacts], str]] = {
        "file format": lambda fact: fact.format,
        "size": lambda fact: f"{fact.width}×{fact.height}",
    }
    for trait, value in traits.items():
        sides = [Counter(value(fact) for fact in side if fact.format) for side in (real, fake)]
        if all(sides) and not sides[0].keys() & sides[1].keys():
            examples = " against ".join(side.most_common(1)[0][0] for side in sides)
            yield f"test set '{name}': real and fake share no {trait} ({examples}), an easy way to cheat"
