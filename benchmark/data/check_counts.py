"""What a dataset should hold against what it holds: counts, formats, unknown folders, broken files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from forenbench.files.threads import in_threads
from forenbench.images import format_or_flaw
from forenbench.types import FAKE, LABEL_NAMES, REAL, Sample, Source

from .descriptions import CountKey, Spec

_FORMATS = {"jpg": "JPEG", "tif": "TIFF"}
_Side = tuple[str, int]
"""A generator, and one of its two labels."""


class CountCheck(NamedTuple):
    """One line of a report: a generator that is whole, or one difference (its `problem` in words).

    Where a description names a test set and no count of its files, `expected` is None.
    """

    where: str
    expected: int | None
    found: int
    problem: str = ""

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.where}: {self.problem or f'{self.found} images'}"
        return f"{self.where}: {self.found} images, expected {self.expected}"


def restrict(spec: Spec, samples: Sequence[Sample], testsets: Sequence[str]) -> Sequence[Sample]:
    """Keep the samples of some test sets and the reals they share; of all, if none is named."""
    wanted = {"", *_generators(spec, testsets)}  # reals of no generator are shared by all
    return [sample for sample in samples if sample.generator in wanted] if testsets else samples


def compare(
    spec: Spec,
    samples: Sequence[Sample],
    testsets: Sequence[str] = (),
    formats: Mapping[str, str] | None = None,
) -> list[CountCheck]:
    """Compare samples with the counts that a description declares, and with the test sets that it names.

    Args:
        spec: The description.
        samples: What was found.
        testsets: Only these test sets, and the reals they share; empty for all.
        formats: Formats by path; where there are none, the extensions of the names tell.
    """
    named = {*spec.testsets, *(key.generator for key in spec.counts)}
    found: Counter[CountKey] = Counter()
    formats_found: dict[_Side, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        name = (formats or {}).get(sample.path) or by_name(sample.path)
        # reals of no generator are counted where they come from; those of a single test set, there
        own = spec.testsets[0] if len(spec.testsets) == 1 else sample.real_source
        generator = sample.generator or own
        found[CountKey(generator, sample.class_name, sample.label)] += 1
        formats_found[generator, sample.label][name] += 1
    lines: list[CountCheck] = []
    for generator in _generators(spec, testsets):
        lines += _compare_generator(spec, generator, found, formats_found)
    if not testsets:
        surplus: Counter[str] = Counter()
        for key, number in found.items():
            if key.generator not in named:
                surplus[key.generator] += number
        # what a pattern calls real, and of no generator, is no folder that nobody knows
        shared = {sample.real_source for sample in samples if not sample.generator}
        known = shared if spec.rules.label_paths else set()
        for name, number in sorted(surplus.items()):
            where = name or "(the folder itself)"
            unknown = CountCheck(where, 0, number, "unknown folder")
            # what nobody described holds what it holds
            lines.append(CountCheck(where, None, number) if name in known or not named else unknown)
    return lines


def examine(
    source: Source, paths: Sequence[str], advance: Callable[[int, int], None] = lambda done, total: None
) -> tuple[dict[str, str], dict[str, str]]:
    """Read and decode files.

    Returns:
        By path, the format of each that is whole, and what is wrong with each that is not.
    """
    formats: dict[str, str] = {}
    broken: dict[str, str] = {}
    for done, (name, problem) in enumerate(in_threads(partial(format_or_flaw, source), paths)):
        if problem:
            broken[paths[done]] = problem
        else:
            formats[paths[done]] = name
        advance(done + 1, len(paths))
    return formats, broken


def _generators(spec: Spec, testsets: Sequence[str]) -> list[str]:
    """List generators and sources of reals in the order of the description."""
    wanted = {*testsets, *(source for source, names in spec.reals.items() if {*names} & {*testsets})}
    named = dict.fromkeys((*spec.testsets, *(key.generator for key in spec.counts)))
    return [name for name in named if not testsets or name in wanted]


def _compare_generator(
    spec: Spec, generator: str, found: Counter[CountKey], formats: Mapping[_Side, Counter[str]]
) -> list[CountCheck]:
    """Return one line if a generator is whole or wholly absent, else one for each difference."""
    expected = {key: number for key, number in spec.counts.items() if key.generator == generator}
    there = {key: number for key, number in found.items() if key.generator == generator}
    total = CountCheck(generator, sum(expected.values()) if expected else None, sum(there.values()))
    if not there:  # a line for each of its classes would bury what else is lacking
        return [total._replace(problem="missing")]
    if not expected:
        return [total]
    differences = []
    for key in (*expected, *sorted(there.keys() - expected.keys())):
        wanted, number = expected.get(key, 0), there.get(key, 0)
        if wanted == number:
            continue
        problem = f"{wanted - number} missing" if number < wanted else f"{number - wanted} surplus"
        differences.append(CountCheck(_name(key), wanted, number, problem if wanted else "unknown folder"))
    for label in (REAL, FAKE):
        usual, numbers = spec.formats.get((generator, label), {}), formats.get((generator, label), Counter())
        for name in sorted(numbers) if usual else ():
            published = usual.get(name, 0)
            # where there are too many files in all, each surplus one would be a second difference
            if numbers[name] > published and (not published or numbers.total() <= sum(usual.values())):
                where = f"{_name(CountKey(generator, '', label))}: {name}"
                differences.append(CountCheck(where, published, numbers[name], "other format"))
    return differences or [total]


def by_name(path: str) -> str:
    """Return the format that a file's extension promises, under Pillow's name for it."""
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _FORMATS.get(suffix.lower(), suffix.upper()) if dot else "no extension"


def _name(key: CountKey) -> str:
    """Name what is counted, for instance ``progan/horse real``."""
    folder = "/".join(filter(None, key[:2]))
    return f"{folder} {LABEL_NAMES[key.label]}"
