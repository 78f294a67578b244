"""Dataset names and folders → test sets, each at one content digest."""

from __future__ import annotations

import hashlib
import pkgutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from filelock import FileLock

from .inventory import FileFacts, cache_folder, take_stock
from .plugins import unknown
from .sources.folder import Findings, Folder, find_samples, readable
from .types import FAKE, REAL, BenchError, Sample, TestSet

Advance = Callable[[str, int, int], None]
"""Called with (what is being done, done, total) while files are made or read."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One ``datasets/*.toml``.

    Attributes:
        name: The file's stem.
        description: One line.
        licence: Of the images.
        version: Part of the folder a builder fills, so that changed images never mix with old ones.
        builder: ``module:function`` that makes the images in a folder, for a dataset made on first use.
        folder: Where the images lie below ``--data-root``, or below the folder that the builder fills.
        source: Where to get that folder.
        checkpoints: The kind of checkpoints that is the default here.
        testsets: Order of the test sets in tables; those not named follow in the order of their names.
    """

    name: str
    description: str
    licence: str
    version: str = ""
    builder: str = ""
    folder: str = ""
    source: str = ""
    checkpoints: str = "published"
    testsets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Test sets that belong together, and what was found on the way.

    Attributes:
        name: What tables and the store call it.
        checkpoints: The kind of checkpoints that is the default here.
        testsets: In table order.
        facts: Every file's facts, by path.
        notes: What a reader must know: files left aside, labels missing.
    """

    name: str
    checkpoints: str
    testsets: tuple[TestSet, ...]
    facts: Mapping[str, FileFacts]
    notes: tuple[str, ...]


def specs() -> dict[str, Spec]:
    """Read every dataset description that comes with the package."""
    found = {}
    for file in sorted(files("forenbench.datasets").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            values = tomllib.loads(file.read_text(encoding="utf-8"))
            name = file.name.removesuffix(".toml")
            found[name] = _spec(name, values)
    return found


def open_dataset(
    request: str,
    *,
    data_root: Path,
    generators: Sequence[str] = (),
    limit: int | None = None,
    advance: Advance = lambda what, done, total: None,
) -> Dataset:
    """Open a dataset by name, or any folder with labels in its folder names.

    Args:
        request: A name from `specs`, or a path.
        data_root: Where downloaded datasets lie.
        generators: Only these test sets; empty for all.
        limit: At most this many images per label and test set, evenly spaced over their sorted paths.
        advance: Told of progress while images are made or read.

    Raises:
        BenchError: Unknown name, missing folder, no labels, or an unknown generator.
    """
    spec = find_spec(request)
    return _open(spec, _root(spec, data_root, advance), generators, limit, advance)


def find_spec(request: str) -> Spec:
    """Find what describes a dataset, without looking at its files.

    Args:
        request: A name from `specs`, or the path of a folder.

    Raises:
        BenchError: Neither a name nor a folder.
    """
    known = specs()
    if request in known:
        return known[request]
    if Path(request).is_dir():
        return Spec(readable(Path(request).resolve().name), "", "", folder=str(Path(request).absolute()))
    raise BenchError(unknown("dataset", request, known) + " (and there is no such folder)")


def _spec(name: str, values: Mapping[str, Any]) -> Spec:
    """Check one description's keys."""
    surplus = set(values) - set(Spec.__dataclass_fields__) - {"name"}
    if surplus:
        raise BenchError(f"datasets/{name}.toml: unknown key '{sorted(surplus)[0]}'")
    values = {**values, "testsets": tuple(values.get("testsets", ()))}
    return Spec(name=name, **values)


def _root(spec: Spec, data_root: Path, advance: Advance) -> Path:
    """Find a described dataset's folder, building it on first use."""
    if not spec.builder:
        root = data_root / spec.folder
        if not root.is_dir():
            raise BenchError(
                f"dataset '{spec.name}' is not at '{root}'. Get it from {spec.source} "
                f"(licence: {spec.licence}), or name another --data-root"
            )
        return root
    made = cache_folder() / f"{spec.name}-{spec.version}"
    with FileLock(f"{made}.lock"):
        if not (made / spec.folder).is_dir():
            doing = f"making dataset {spec.name} (once)"
            pkgutil.resolve_name(spec.builder)(made, lambda done, total: advance(doing, done, total))
    return made / spec.folder


def _open(spec: Spec, root: Path, generators: Sequence[str], limit: int | None, advance: Advance) -> Dataset:
    """Group a folder's samples into test sets and take stock of the files they need."""
    findings = find_samples(root)
    groups = _group(findings.samples, spec.testsets)
    for name in generators:
        if name not in groups:
            raise BenchError(unknown(f"generator of dataset '{spec.name}'", name, groups))
    chosen = {
        name: _thin(samples, limit)
        for name, samples in groups.items()
        if not generators or name in generators
    }
    paths = list(dict.fromkeys(sample.path for samples in chosen.values() for sample in samples))
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        advance(f"reading {spec.name}", done, len(paths))

    facts = take_stock(root, paths, count)
    source, order = Folder(root), list(groups)
    testsets = tuple(
        TestSet(spec.name, name, samples, source, _digest(samples, facts), order.index(name))
        for name, samples in chosen.items()
    )
    return Dataset(spec.name, spec.checkpoints, testsets, facts, _notes(findings, chosen, facts))


def _group(samples: Iterable[Sample], order: Sequence[str]) -> dict[str, tuple[Sample, ...]]:
    """Put each generator's fakes beside its own reals, or beside the reals that all share."""
    groups: dict[str, list[Sample]] = {}
    shared = []
    for sample in samples:
        if sample.generator:
            groups.setdefault(sample.generator, []).append(sample)
        else:
            shared.append(sample)
    if not groups:
        groups = {sample.real_source: [] for sample in shared}
    ordered = sorted(groups, key=lambda name: (order.index(name) if name in order else len(order), name))
    return {
        name: (*groups[name], *(replace(sample, generator=name) for sample in shared)) for name in ordered
    }


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


def _digest(samples: Iterable[Sample], facts: Mapping[str, FileFacts]) -> str:
    """Digest what a test set is: which files under which labels, with which content."""
    lines = (f"{sample.label} {facts[sample.path].sha256} {sample.path}\n" for sample in samples)
    total = hashlib.sha256()
    for line in lines:
        total.update(line.encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _notes(
    findings: Findings, groups: Mapping[str, Sequence[Sample]], facts: Mapping[str, FileFacts]
) -> tuple[str, ...]:
    """Word what a reader must know about these test sets."""
    notes = []
    if findings.unlabelled:
        first = findings.unlabelled[0]
        notes.append(f"left aside, in no label folder: {len(findings.unlabelled)}, the first '{first}'")
    for name, samples in groups.items():
        labels = {sample.label for sample in samples}
        if labels == {REAL}:
            notes.append(f"test set '{name}' has real images only: AP and AUROC are undefined there")
        if labels == {FAKE}:
            notes.append(f"test set '{name}' has generated images only: AP and AUROC are undefined there")
        notes += _shortcuts(name, samples, facts)
    return tuple(notes)


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
