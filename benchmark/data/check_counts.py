"""What a dataset should hold against what it holds: counts, formats, unknown folders, broken files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from forenbench.files.threads import in_threads
from forenbench.images import UnreadableImage, decode, header
from forenbench.types import REAL, Sample, Source

from .descriptions import CountKey, Spec

_FORMATS = {"jpg": "JPEG", "tif": "TIFF"}


class CountCheck(NamedTuple):
    """One line of a report: a generator that is whole, or one difference (its `problem` in words)."""

    where: str
    expected: int
    found: int
    problem: str = ""


def restrict(spec: Spec, samples: Sequence[Sample], testsets: Sequence[str]) -> Sequence[Sample]:
    """Keep the samples of some test sets and the reals they share; of all, if none is named."""
    wanted = set(_generators(spec, testsets))
    return [sample for sample in samples if sample.generator in wanted] if testsets else samples


def compare(
    spec: Spec,
    samples: Sequence[Sample],
    testsets: Sequence[str] = (),
    formats: Mapping[str, str] | None = None,
) -> list[CountCheck]:
    """Compare samples with the counts that a description declares.

    Args:
        spec: The description.
        samples: What was found.
        testsets: Only these test sets, and the reals they share; empty for all.
        formats: Formats by path; where there are none, the extensions of the names tell.
    """
    found = Counter(CountKey(sample.generator, sample.class_name, sample.label) for sample in samples)
    lines: list[CountCheck] = []
    for generator in _generators(spec, testsets):
        own = [sample for sample in samples if sample.generator == generator]
        lines += _compare_generator(spec, generator, found, _formats(own, formats or {}))
    if spec.counts and not testsets:
        lines += _unknown(spec, found)
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
    for done, (name, problem) in enumerate(in_threads(partial(_decode, source), paths)):
        if problem:
            broken[paths[done]] = problem
        else:
            formats[paths[done]] = name
        advance(done + 1, len(paths))
    return formats, broken


def _decode(source: Source, path: str) -> tuple[str, str]:
    """Return one file's format, or what is wrong with it."""
    try:
        data = source.read(path)
        decode(data)
        return header(data).format, ""
    except (OSError, UnreadableImage) as error:
        return "", str(error)


def _generators(spec: Spec, testsets: Sequence[str]) -> list[str]:
    """List generators and sources of reals in the order of the description."""
    wanted = {*testsets, *(source for source, names in spec.reals.items() if {*names} & {*testsets})}
    named = dict.fromkeys(place.generator for place in spec.counts)
    return [name for name in named if not testsets or name in wanted]


def _compare_generator(
    spec: Spec, generator: str, found: Mapping[CountKey, int], formats: Mapping[int, Counter[str]]
) -> Iterator[CountCheck]:
    """Yield one line if a generator is whole or wholly absent, else one for each difference."""
    expected = {place: number for place, number in spec.counts.items() if place.generator == generator}
    there = {place: number for place, number in found.items() if place.generator == generator}
    total = CountCheck(generator, sum(expected.values()), sum(there.values()))
    if not there:
        yield total._replace(problem="missing")
        return
    differences = [
        _difference(place, expected.get(place, 0), there.get(place, 0))
        for place in (*expected, *sorted(there.keys() - expected.keys()))
        if expected.get(place, 0) != there.get(place, 0)
    ]
    differences += _compare_formats(spec, generator, formats)
    yield from differences or [total]


def _difference(place: CountKey, expected: int, found: int) -> CountCheck:
    """Word the difference in one place."""
    if not expected:
        problem = "unknown folder"
    elif found < expected:
        problem = f"{expected - found} missing"
    else:
        problem = f"{found - expected} surplus"
    return CountCheck(_name(place), expected, found, problem)


def _compare_formats(spec: Spec, generator: str, found: Mapping[int, Counter[str]]) -> Iterator[CountCheck]:
    """Yield the formats that a label should not have, or not so many of."""
    for label, numbers in found.items():
        expected = spec.formats.get((generator, label), {})
        for name in sorted(numbers) if expected else ():
            usual = expected.get(name, 0)
            if not usual or (numbers[name] > usual and numbers.total() <= sum(expected.values())):
                where = f"{_name(CountKey(generator, '', label))}: {name}"
                yield CountCheck(where, usual, numbers[name], "other format")


def _unknown(spec: Spec, found: Mapping[CountKey, int]) -> Iterator[CountCheck]:
    """Yield the generators that the description does not name."""
    named = {place.generator for place in spec.counts}
    numbers: Counter[str] = Counter()
    for place, number in found.items():
        if place.generator not in named:
            numbers[place.generator] += number
    for generator, number in sorted(numbers.items()):
        yield CountCheck(generator or "(the folder itself)", 0, number, "unknown folder")


def _formats(samples: Iterable[Sample], known: Mapping[str, str]) -> dict[int, Counter[str]]:
    """Count the formats of each label."""
    numbers: dict[int, Counter[str]] = {}
    for sample in samples:
        numbers.setdefault(sample.label, Counter())[known.get(sample.path) or by_name(sample.path)] += 1
    return numbers


def by_name(path: str) -> str:
    """Return the format that a file's extension promises, under Pillow's name for it."""
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _FORMATS.get(suffix.lower(), suffix.upper()) if dot else "no extension"


def _name(place: CountKey) -> str:
    """Name a place, for instance ``progan/horse real``."""
    folder = "/".join(filter(None, place[:2]))
    return f"{folder} {'real' if place.label == REAL else 'fake'}"
