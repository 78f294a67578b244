"""How many files a description says were published: of each generator, class and label, in which formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from forenbench.types import FAKE, REAL


class CountKey(NamedTuple):
    """One folder of a dataset: a generator (or source of real images), a class or none, a label."""

    generator: str
    class_name: str
    label: int


def read_counts(testsets: object, reals: Mapping[str, Any]) -> dict[CountKey, int]:
    """Make the tables ``testsets`` and ``reals`` one; a plain list of test sets declares no counts."""
    counts = {}
    for name, value in testsets.items() if isinstance(testsets, Mapping) else ():
        # one of 9, [8, 9], {horse = 9}, {horse = [8, 9]}, {classes = ["horse", …], each = 9}
        classes: Mapping[str, Any] = value if isinstance(value, Mapping) else {"": value}
        if "classes" in classes:
            classes = dict.fromkeys(classes["classes"], classes["each"])
        for class_name, number in classes.items():
            real, fake = (number, number) if isinstance(number, int) else number
            counts[CountKey(name, class_name, REAL)] = real
            counts[CountKey(name, class_name, FAKE)] = fake
    for source, declared in reals.items():
        counts[CountKey(source, "", REAL)] = declared["images"]
    return {key: number for key, number in counts.items() if number}


def read_formats(
    values: Mapping[str, Any], counts: Mapping[CountKey, int]
) -> dict[tuple[str, int], Mapping[str, int]]:
    """Read how many files of each format there are: as ``formats`` says, or else all of the usual one.

    Args:
        values: A description's content.
        counts: What it counts.

    Returns:
        Numbers by format, for each generator and label.
    """
    formats: dict[tuple[str, int], Mapping[str, int]] = {}
    if usual := values.get("format", ""):
        totals: Counter[tuple[str, int]] = Counter()
        for counted, number in counts.items():
            totals[counted.generator, counted.label] += number
        formats = {key: {usual: number} for key, number in totals.items()}
    for generator, labels in values.get("formats", {}).items():
        for label, numbers in labels.items():
            formats[generator, {"real": REAL, "fake": FAKE}[label]] = dict(numbers)
    return formats
