"""Test sets: whether a run has every image of them, under the right label, and whether they are at hand."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from forenbench.data.check_counts import compare
from forenbench.data.descriptions import Spec, specs
from forenbench.data.sources.lent import home
from forenbench.records.leakage import Contents, full_name
from forenbench.records.record import Record
from forenbench.records.store import Damaged, Store
from forenbench.types import REAL, Sample

from .result import ReviewResult, some


def testsets(store: Store, beside: Sequence[Store], contents: Contents) -> Iterator[ReviewResult]:
    """Compare the images of rows with descriptions, with other runs, and with the files themselves."""
    records = {(full_name(one), one.identity.testset): one for one in store.records()}
    yield _described(store, list(records.values()))
    yield _agreed(store, beside)
    yield _at_hand(store, list(records.values()), contents)


def _described(store: Store, records: Sequence[Record]) -> ReviewResult:
    """Count the images of described test sets, each as whole as the description says."""
    problems: list[str] = []
    partly, undescribed, absent = list[str](), list[str](), list[str]()
    known = specs()
    ran: dict[str, set[str]] = defaultdict(set)
    for record in records:
        spec = known.get(record.cell.dataset)
        if spec is None or not (spec.counts or spec.testsets):
            undescribed.append(full_name(record))
            continue
        ran[spec.name].add(record.cell.testset)
        if record.protocol != "all":
            partly.append(f"{full_name(record)} under protocol {record.protocol}")
        else:
            problems += _missing(spec, store, record)
    for name, found in ran.items():
        absent += [f"{name}/{one}" for one in known[name].testsets if one not in found]
    said = [
        f"{words}: {some(list(dict.fromkeys(names)))}"
        for words, names in (
            ("not run", absent),
            ("of no description, so that nobody knows how many images it has", undescribed),
            ("not counted", partly),
        )
        if names
    ]
    return ReviewResult("every image of the described test sets has a row", some(problems), "; ".join(said))


def _missing(spec: Spec, store: Store, record: Record) -> Iterator[str]:
    """Yield the differences of one test set from its description."""
    rows = store.rows(record, ["path", "label", "generator", "class", "real_source"])
    testset, samples = record.cell.testset, []
    # Reals that several test sets share are in the rows of each, and counted once by the description.
    shared = [source for source, names in spec.reals.items() if testset in names]
    for sample in (Sample(*row) for row in rows.itertuples(index=False)):
        if home(spec.name, sample.path).dataset != spec.name:
            continue  # borrowed: another description counts them
        if shared and sample.label == REAL:
            source = sample.real_source if sample.real_source in shared else shared[0]
            sample = replace(sample, generator=source)
        samples.append(sample)
    for line in compare(spec, samples, [testset]):
        if line.problem:
            yield f"{spec.name}/{line}"


def _agreed(store: Store, beside: Sequence[Store]) -> ReviewResult:
    """See that cells over one test set are over the same images under the same labels, here and elsewhere."""
    seen: dict[str, tuple[bytes, str]] = {}
    problems = []
    own = {record.identity.testset for record in store.records()}
    for one in (store, *beside):
        for record in one.records(beside_damaged=one is not store):
            if record.identity.testset not in own:
                continue
            with suppress(Damaged):  # of another run: this one's rows have been looked at
                ordered = one.rows(record, ["path", "label"]).sort_values("path")
                lines = "\n".join(f"{label} {path}" for path, label in ordered.itertuples(index=False))
                images = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).digest()
                here = f"{record.cell} in '{one.root}'"
                first, where = seen.setdefault(record.identity.testset, (images, here))
                if first != images:
                    problems.append(f"{here} has other images or labels than {where}")
    return ReviewResult("rows over one test set have the same images and labels", some(problems))


def _at_hand(store: Store, records: Sequence[Record], contents: Contents) -> ReviewResult:
    """Compare images that are here with the digest of what was scored, labels included."""
    absent, changed = [], []
    for record in records:
        if record.cell.dataset not in contents.sources.get(store.root, {}):
            absent.append(full_name(record))
        elif not any(contents.of(store, record, store.rows(record, ["path", "label"]))):
            changed.append(full_name(record))
    return ReviewResult(
        "images that are here are those that were scored, under their labels",
        f"not so, or not all there: {some(changed)}" if changed else "",
        f"not at hand: {some(absent)}" if absent else "",
    )
