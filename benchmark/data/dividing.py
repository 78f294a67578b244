"""One dataset's images → validation, test and training split, which share no origin.

What belongs together stays together: images of one origin, of equal content, and whatever else is linked
(pictures that look alike). Such *bundles* are drawn systematically (Cochran, Sampling Techniques, 1977,
chapter 8): within a stratum they lie on a line in the order of their hashes with the seed, and where the
shares cut the line, the next split begins. So each split has its share of a stratum to within one bundle, and
files that are added to one stratum move nothing in another, and in their own only what lies next to a cut.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from forenbench.errors import BenchError
from forenbench.types import LABEL_NAMES, TAMPERED, Sample

if TYPE_CHECKING:
    from .inventory import FileFacts

ON_THE_LINE = ("val", "test", "train")
"""In which order the splits lie there."""
_LEFT_OVER = ("test", "train", "val")
"""Which split gets the rest: the first of these of which no share is said."""


class Stratum(NamedTuple):
    """Images that are alike in all of which each split should have its share."""

    label: int
    generator: str
    class_name: str
    real_source: str

    def __str__(self) -> str:
        return "/".join((LABEL_NAMES[self.label], *filter(None, dict.fromkeys(self[1:]))))


_COARSER: tuple[Callable[[Stratum], tuple[object, ...]], ...] = (
    tuple,
    lambda one: (one.label, one.generator),
    lambda one: (one.label,),
)
"""What strata are told apart by, where there are too few bundles for more."""
_Bundle = tuple[bytes, tuple[int, ...]]
"""A hash, and which samples it is of."""


@dataclass(frozen=True, slots=True)
class Division:
    """Images by split.

    Attributes:
        samples: Of each split, in the order in which they were given; nothing else is their `split` any more.
        bundles: How many bundles each split has.
        merged: Strata of too few bundles to be divided by themselves: they were together with others.
        absent: Of each split the strata that it has no image of.
    """

    samples: Mapping[str, tuple[Sample, ...]]
    bundles: Mapping[str, int]
    merged: tuple[Stratum, ...]
    absent: Mapping[str, tuple[Stratum, ...]]

    def counts(self) -> list[dict[str, str | int]]:
        """Count the images of each split by label, and its bundles, as ``origins``."""
        labels = {split: Counter(one.label for one in found) for split, found in self.samples.items()}
        shown = [one for one in LABEL_NAMES if one != TAMPERED or any(of[one] for of in labels.values())]
        return [
            {"split": split, **{LABEL_NAMES[one]: of[one] for one in shown}, "origins": self.bundles[split]}
            for split, of in labels.items()
        ]


def shares_of(**given: float | None) -> dict[str, float]:
    """Say which share of the images each split gets; the rest goes to test, else train, else val.

    Args:
        given: By split, between 0 and 1; None where nothing is said.

    Returns:
        By split, 1 together.

    Raises:
        BenchError: Nothing is said, or the shares make more than all images, or less.
    """
    asked = {split: share for split in ON_THE_LINE if (share := given.get(split)) is not None}
    if not asked:
        raise BenchError("no split has a share: 0.2 for val keeps a fifth of the images for validation")
    for split, share in asked.items():
        if not 0 < share < 1:
            raise BenchError(f"{split} {share:g} is no share between 0 and 1, as 0.2 is")
    rest = 1 - sum(asked.values())
    others = [split for split in _LEFT_OVER if split not in asked]
    if rest < -1e-9 or (rest > 1e-9 and not others):
        said = " + ".join(f"{split} {share:g}" for split, share in asked.items())
        raise BenchError(f"{said} is {1 - rest:g}, not 1, which are all images")
    if rest > 1e-9:
        asked[others[0]] = rest
    return {split: asked[split] for split in ON_THE_LINE if split in asked}


def divide(
    samples: Sequence[Sample],
    facts: Mapping[str, FileFacts],
    shares: Mapping[str, float],
    seed: int = 0,
    links: Iterable[Sequence[str]] = (),
) -> Division:
    """Divide images into splits that share no bundle, each with its share of every stratum.

    A stratum is label × generator × class × source of reals. A bundle of several strata, a photograph with
    its fakes, counts as one of all of them together.

    Args:
        samples: Of one dataset.
        facts: Of each sample's file, by path.
        shares: See `shares_of`.
        seed: Of the hashes.
        links: Paths that belong together for another reason than origin and content, group by group.

    Raises:
        BenchError: A split would have no image.
    """
    bundles = _bundles(samples, facts, seed, links)
    strata = [Stratum(one.label, one.generator, one.class_name, one.real_source) for one in samples]
    placed, merged = _place(bundles, strata, shares, seed)
    split_of = {at: split for split, found in placed.items() for _, members in found for at in members}
    divided: dict[str, list[Sample]] = {split: [] for split in shares}
    for at, sample in enumerate(samples):
        divided[split_of[at]].append(replace(sample, split=""))
    for split, found in divided.items():
        if not found:
            raise BenchError(
                f"{split} {shares[split]:.3g} of {len(bundles)} origins is no image: take a larger share, or "
                "more images"
            )
    there = {split: {strata[at] for _, members in placed[split] for at in members} for split in shares}
    return Division(
        {split: tuple(found) for split, found in divided.items()},
        {split: len(placed[split]) for split in shares},
        tuple(sorted(merged)),
        {split: tuple(sorted(set(strata) - found)) for split, found in there.items()},
    )


def _bundles(
    samples: Sequence[Sample], facts: Mapping[str, FileFacts], seed: int, links: Iterable[Sequence[str]]
) -> list[_Bundle]:
    """Put together what is linked, directly or by way of others; in the order of hashes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = [one.origin and f"origin {one.origin}" for one in samples]
    contents = [facts[one.path].sha256 or f"path {one.path}" for one in samples]
    linked = {path: f"link {number}" for number, paths in enumerate(links) for path in paths}
    ties = [
        {name, content, linked.get(one.path, "")} - {""}
        for name, content, one in zip(names, contents, samples, strict=True)
    ]
    number = {tie: at for at, tie in enumerate(dict.fromkeys(tie for some in ties for tie in sorted(some)))}
    rows, columns = zip(
        *((at, len(samples) + number[tie]) for at, some in enumerate(ties) for tie in some), strict=True
    )
    size = len(samples) + len(number)
    graph = coo_array(([True] * len(rows), (rows, columns)), shape=(size, size))
    members: dict[int, list[int]] = defaultdict(list)
    for at, component in enumerate(connected_components(graph, directed=False)[1][: len(samples)].tolist()):
        members[component].append(at)
    # The least hash of what names its images: another image of the same photograph moves no bundle.
    hashed = [_hash(seed, name or content) for name, content in zip(names, contents, strict=True)]
    return sorted((min(hashed[at] for at in some), tuple(some)) for some in members.values())


def _place(
    bundles: Sequence[_Bundle], strata: Sequence[Stratum], shares: Mapping[str, float], seed: int
) -> tuple[dict[str, list[_Bundle]], set[Stratum]]:
    """Give each bundle its split, and say which strata had to be taken together with others."""
    placed: dict[str, list[_Bundle]] = {split: [] for split in shares}
    merged: set[Stratum] = set()
    for coarser in _COARSER:
        lines: dict[tuple[object, ...], list[_Bundle]] = defaultdict(list)
        for bundle in bundles:
            lines[tuple(sorted({coarser(strata[at]) for at in bundle[1]}))].append(bundle)
        bundles = []
        for kind, line in lines.items():
            # With four bundles, a fifth is none or one of them: another four may make it up.
            if coarser is not _COARSER[-1] and len(line) * min(shares.values()) < 1:
                bundles += line
                merged |= {strata[at] for _, members in line for at in members}
            else:
                _cut(line, shares, _hash(seed, repr(kind)), placed)
        bundles.sort()
    return placed, merged


def _cut(
    line: Sequence[_Bundle], shares: Mapping[str, float], start: bytes, placed: Mapping[str, list[_Bundle]]
) -> None:
    """Lay bundles of one kind side by side, each as long as it has images, and cut the line by the shares."""
    total = sum(len(members) for _, members in line)
    # One point of each bundle says where it belongs. Which one is drawn, for a line of three would never have
    # any in a tenth of it; once for the line, or shares would be met by chance alone.
    point = int.from_bytes(start[:8]) / 2**64
    names, ends = list(shares), list(accumulate(shares.values()))
    passed = 0
    for bundle in line:
        at = (passed + point * len(bundle[1])) / total
        passed += len(bundle[1])
        placed[names[min(bisect_right(ends, at), len(names) - 1)]].append(bundle)


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
