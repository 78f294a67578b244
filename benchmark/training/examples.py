"""What a detector learns from: labelled images, chosen by class and number, every file readable."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from forenbench.errors import BenchError, unknown
from forenbench.files.threads import in_threads
from forenbench.images import format_or_flaw
from forenbench.printable import readable
from forenbench.types import FAKE, REAL, TAMPERED, Advance, Source

from .randomness import LIMIT, draws

if TYPE_CHECKING:
    from forenbench.data.dataset import Dataset

_SHOWN = 5
LABELS = {REAL: "real", FAKE: "fake"}


@dataclass(frozen=True, slots=True)
class Example:
    """One training image.

    Attributes:
        source: Where its bytes come from.
        path: In that source.
        label: 0 = real, 1 = fake.
        class_name: Such as ``horse``; where a dataset has no classes, the test set's name.
        sha256: Of the file.
    """

    source: Source
    path: str
    label: int
    class_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Examples:
    """Training or validation images, in the order of their paths.

    Attributes:
        request: What the user asked for.
        items: The images.
        rule: How they were chosen, in words.
        skipped: Files left out because they cannot be read, with the reasons.
        wanted: The labels that a training of these needs.
    """

    request: str
    items: tuple[Example, ...]
    rule: str = "all images"
    skipped: tuple[tuple[str, str], ...] = ()
    wanted: tuple[int, ...] = (REAL, FAKE)

    @property
    def digest(self) -> str:
        """The sha256 over the labels, classes, contents and paths of all images."""
        # With paths: they decide the order, and so which image is drawn when. Never the folder around them,
        # so that data may be moved between a kill and the next try.
        total = hashlib.sha256()
        for item in self.items:
            line = f"{item.label} {item.class_name} {item.sha256} {item.path}\n"
            total.update(line.encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Return the summary that a card has."""
        counted = Counter((item.class_name, item.label) for item in self.items)
        classes = sorted({name for name, _ in counted})
        counts = {name: {LABELS[label]: counted[name, label] for label in LABELS} for name in classes}
        return {
            "data": readable(self.request),
            "digest": self.digest,
            "images": {word: sum(counts[name][word] for name in classes) for word in LABELS.values()},
            "classes": counts,
            "chosen": self.rule,
            "unreadable_skipped": [f"{readable(path)}: {why}" for path, why in self.skipped],
        }


def collect(request: str, datasets: Iterable[Dataset], wanted: tuple[int, ...] = (REAL, FAKE)) -> Examples:
    """Take every real and fake image of opened datasets, each once; the rule says how many are neither.

    Raises:
        BenchError: A label that is wanted is missing altogether.
    """
    found: dict[tuple[str, str], Example] = {}
    splits: set[str] = set()
    tampered: set[tuple[str, str]] = set()
    for dataset in datasets:
        for testset in dataset.testsets:
            for sample in testset.samples:
                if sample.label == TAMPERED:  # neither is what a detector should call such an image by
                    tampered.add((dataset.name, sample.path))
                    continue
                example = Example(
                    testset.source,
                    sample.path,
                    sample.label,
                    sample.class_name or testset.name,
                    dataset.facts[sample.path].sha256,
                )
                # Test sets share reals (a generator's fakes stand
                # beside all reals of a class): one example each.
                found.setdefault((dataset.name, sample.path), example)
                splits.add(sample.split)
    ordered = sorted(found.values(), key=lambda example: example.path)
    rule = " ".join(["all images", *(f"of split {split}" for split in sorted(splits - {""}))])
    rule += f"; {len(tampered)} tampered ones left out" if tampered else ""
    return _with_wanted_labels(Examples(request, tuple(ordered), rule, wanted=wanted))


def only_real(examples: Examples) -> Examples:
    """Leave the generated images out; the rule says how many there were.

    Raises:
        BenchError: There are no others.
    """
    reals = tuple(item for item in examples.items if item.label == REAL)
    rule = f"{examples.rule}; {len(examples.items) - len(reals)} fake ones left out, only reals are wanted"
    return _with_wanted_labels(replace(examples, items=reals, rule=rule, wanted=(REAL,)))


def only_classes(examples: Examples, classes: Sequence[str]) -> Examples:
    """Keep some classes; without any, all.

    Raises:
        BenchError: There is no such class.
    """
    known = sorted({item.class_name for item in examples.items})
    for name in classes:
        if name not in known:
            raise BenchError(unknown(f"class of '{examples.request}'", name, known))
    if not classes:
        return examples
    kept = tuple(item for item in examples.items if item.class_name in classes)
    return _with_wanted_labels(replace(examples, items=kept))


def limited(examples: Examples, limit: int | None, seed: int) -> Examples:
    """Keep `limit` images, half of them real: the first ones of each label in a random order of the seed.

    A smaller number thus gives a subset of what a larger one gives. Where reals alone are wanted, they are
    that half.

    Raises:
        BenchError: The number is odd, or a label has fewer images than half of it.
    """
    if limit is None:
        return examples
    if limit < 2 or limit % 2:
        raise BenchError(f"limit {limit}: give an even number, half of it is real and half fake")
    chosen: list[int] = []
    for label in examples.wanted:
        indices = [index for index, item in enumerate(examples.items) if item.label == label]
        if len(indices) < limit // 2:
            raise BenchError(
                f"limit {limit} needs {limit // 2} {LABELS[label]} images, and there are {len(indices)}"
            )
        # Each label by its own generator: how many fakes there are has no say in which reals are drawn.
        shuffled = draws(seed, LIMIT, index=label).permutation(len(indices))
        chosen += [indices[position] for position in shuffled[: limit // 2]]
    counts = " and ".join(f"{limit // 2} {LABELS[label]}" for label in examples.wanted)
    rule = (
        f"{counts}: the first of each label in a random order (seed {seed}) "
        f"of the {len(examples.items)} images sorted by path"
    )
    rule += "" if FAKE in examples.wanted else ", from which fake ones had been left out"
    return replace(examples, items=tuple(examples.items[index] for index in sorted(chosen)), rule=rule)


def check_readable(examples: Examples, *, skip: bool, advance: Advance) -> Examples:
    """Decode every image once, so that no training stops half-way over a broken file.

    Args:
        examples: The images.
        skip: Leave unreadable ones out (they are listed in the card) rather than refuse to start.
        advance: Told of progress.

    Raises:
        BenchError: Files cannot be read, and `skip` is not set.
    """
    # The loaders of CNNDetection, UniversalFakeDetect and LGrad set Pillow's LOAD_TRUNCATED_IMAGES: they
    # train on what can be decoded of a broken file, without a word.
    unreadable: dict[str, str] = {}
    items = examples.items
    looked = in_threads(lambda item: format_or_flaw(item.source, item.path), items)
    for done, (item, (_, flaw)) in enumerate(zip(items, looked, strict=True), 1):
        if flaw:
            unreadable[item.path] = flaw
        advance(f"checking the images of {examples.request}", done, len(items))
    if unreadable and not skip:
        first = [f"{readable(path)} ({why})" for path, why in list(unreadable.items())[:_SHOWN]]
        more = f" and {len(unreadable) - _SHOWN} more" if len(unreadable) > _SHOWN else ""
        raise BenchError(
            f"'{examples.request}' has unreadable images: {', '.join(first)}{more}. Repair or remove them, "
            "or have them left out (skip unreadable)"
        )
    return without(examples, unreadable)


def without(examples: Examples, unreadable: dict[str, str]) -> Examples:
    """Leave out images by path, noting the reasons."""
    kept = tuple(item for item in examples.items if item.path not in unreadable)
    return _with_wanted_labels(replace(examples, items=kept, skipped=tuple(sorted(unreadable.items()))))


def labels(examples: Examples) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return all labels, 0 = real and 1 = fake."""
    return np.array([item.label for item in examples.items], np.int64)


def _with_wanted_labels(examples: Examples) -> Examples:
    needed = "both kinds are needed" if len(examples.wanted) > 1 else "they are all that is learned from"
    for label in examples.wanted:
        if not any(item.label == label for item in examples.items):
            raise BenchError(
                f"'{examples.request}' has no {LABELS[label]} images (of the classes asked for); {needed}"
            )
    return examples
