"""Names, folders, archives and manifests → datasets, whose test sets can be scored."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from forenbench.data.sources.findings import Findings
from forenbench.data.sources.listed import only_listed
from forenbench.data.sources.rules import NO_RULES, Rules
from forenbench.data.sources.splits import SCORED, take
from forenbench.errors import BenchError, unknown
from forenbench.printable import readable
from forenbench.types import Advance, FileSource, Sample, TestSet, Whereabouts

from .check_counts import compare
from .dataset import Dataset
from .descriptions import Spec, Suite, specs
from .finding import MissingDataset, find_files, root_option
from .inventory import FileFacts, take_stock
from .layouts import locate
from .protocols import Protocol, find_protocol
from .requests import find_lender, find_spec
from .set_notes import SetNote, by_words
from .subsets import Subset
from .testsets import Groups, Selection, borrowed, choose, digest, group, warnings


def open_dataset(  # noqa: PLR0913 - what may be asked of a dataset
    request: str,
    *,
    data_root: Path,
    generators: Sequence[str] = (),
    limit: int | None = None,
    protocol: str = "all",
    splits: Sequence[str] = SCORED,
    places: Mapping[str, Path] = MappingProxyType({}),
    rules: Rules = NO_RULES,
    listed: Path | None = None,
    advance: Advance = lambda what, done, total: None,
) -> list[Dataset]:
    """Open a dataset or suite by name, or any folder, archive or manifest with labels.

    Args:
        request: A name from `specs` or `suites`, or a path.
        data_root: Where downloaded datasets lie.
        generators: Only these test sets; empty for all.
        limit: At most this many images per label and test set, evenly spaced over those of the protocol.
        protocol: Which files count, and what is done to them first: a name from `protocols`.
        splits: Which split counts, where there are any: the first of these that is there (see `take`).
        places: Where datasets lie that are not below `data_root`, by name.
        rules: How the files of a path say what they are, where names of folders do not.
        listed: A table of the files that count alone (see `forenbench.data.sources.listed.only_listed`).
        advance: Told of progress while images are made or read.

    Returns:
        One dataset; for a suite one for each that it selects from, with the test sets in the suite's order.

    Raises:
        MissingDataset: It has a name, but is not there.
        BenchError: Unknown name or protocol, no labels, an unknown generator, no such split, or rules
            beside a name.
    """
    find_protocol(protocol)  # a misspelt one is refused before anything is listed
    found = find_spec(request, rules)
    asked = () if listed is None else (Subset(list=str(listed)),)
    selection = Selection(tuple(generators), protocol, limit, tuple(splits), asked)
    if isinstance(found, Suite):
        return list(_open_suite(found, data_root, selection, places, advance))
    return [_open(_locate(found, places), data_root, selection, advance)]


def _locate(spec: Spec, places: Mapping[str, Path]) -> Spec:
    """Use the paths that were given for a dataset, and for the one that it borrows reals of."""
    placed, lender = locate(spec, places), find_lender(spec)
    if lender is None:
        return placed
    folder = locate(lender, places).folder
    return replace(placed, lender_path=folder if Path(folder).is_absolute() else "")


def reopen(
    spec: Spec, data_root: Path, selection: Selection, advance: Advance = lambda what, done, total: None
) -> Dataset:
    """Open some test sets of a dataset by its description; see `open_dataset`."""
    return _open(spec, data_root, selection, advance)


def _open_suite(
    suite: Suite, data_root: Path, selection: Selection, places: Mapping[str, Path], advance: Advance
) -> Iterator[Dataset]:
    """Open the datasets that a suite selects from, each with its test sets at their places in the suite."""
    order = [name for part in suite.parts for name in part.testsets]
    for name in selection.testsets:
        if name not in order:
            raise BenchError(unknown(f"generator of suite '{suite.name}'", name, order))
    known, first = specs(), 0
    for part in suite.parts:
        wanted = tuple(n for n in part.testsets if not selection.testsets or n in selection.testsets)
        if wanted:
            # The suite's order counts, not the dataset's; it starts behind the test sets of earlier parts, be
            # they asked for or not, so that tables of any selection have one order.
            spec = replace(_locate(known[part.dataset], places), testsets=part.testsets)
            dataset = _open(spec, data_root, replace(selection, testsets=wanted), advance)
            moved = (replace(testset, order=testset.order + first) for testset in dataset.testsets)
            yield replace(dataset, testsets=tuple(moved))
        first += len(part.testsets)


def _open(spec: Spec, data_root: Path, selection: Selection, advance: Advance) -> Dataset:
    """Group a dataset's samples into test sets and take stock of the files they need."""
    source, findings = find_files(spec, data_root, advance)
    for asked in selection.subsets:
        source, findings = only_listed(source, findings, Path(asked.list))
    selection = replace(selection, subsets=(spec.subset, *selection.subsets))
    taken = take(findings.samples, selection.splits)
    # the split of borrowed reals that was taken beside them, else what they would be scored on
    preferred = dict.fromkeys(filter(None, (taken.split, *selection.splits, *SCORED)))
    lent, lender = take(findings.borrowed, tuple(preferred)), find_lender(spec)
    if taken.split == take(findings.samples, SCORED).split:
        selection = replace(selection, splits=SCORED)  # the same files, so the same name
    groups = group(spec, (*taken.samples, *lent.samples))
    # described test sets come first, also those that are absent: so that adding one moves no other
    order = list(dict.fromkeys((*spec.testsets, *groups)))
    for name in selection.testsets:
        if name not in order:
            raise BenchError(unknown(f"generator of dataset '{spec.name}'", name, order))
    chosen: dict[str, tuple[Sample, ...]] = {}
    notes = [*_notes(spec, findings, selection, data_root), *taken.notes]
    notes += borrowed(lender, lent, taken.samples) if lender else ()
    left_out: list[SetNote] = []
    for name in groups:
        if not selection.testsets or name in selection.testsets:
            kept, said = choose(groups[name], selection)
            left_out += [SetNote(name, f"{selection.protocol} {one.words}", one.particular) for one in said]
            if kept:
                chosen[name] = kept
    if not chosen:
        wanted = ", ".join(selection.testsets or groups)
        raise MissingDataset(
            f"dataset '{spec.name}' is there, but holds no file of {wanted} (protocol {selection})"
        )
    facts = _take_stock(spec, source, chosen, advance)
    # Absolute, for records: what is relative would be sought from the folder of whoever reads them.
    path = spec.folder if Path(spec.folder).is_absolute() else ""
    found = Whereabouts(path, str(data_root.absolute()), spec.rules.to_json() or None)
    protocol = find_protocol(selection.protocol)
    if lender:
        found = found._replace(lender=lender.name, lender_path=spec.lender_path or None)
    testsets = tuple(
        TestSet(
            spec.name,
            name,
            samples,
            source,
            digest(samples, facts),
            order.index(name),
            str(selection),
            found,
            protocol.reencoded(spec.name, samples, facts),
        )
        for name, samples in chosen.items()
    )
    notes += map(readable, by_words(left_out))
    notes += _reencoded(protocol, testsets)
    notes += by_words(warnings(chosen, facts))
    return Dataset(spec.name, spec.checkpoints, testsets, facts, tuple(notes))


def _reencoded(protocol: Protocol, testsets: Sequence[TestSet]) -> Iterator[str]:
    """Say how many files a protocol re-encodes, or that it leaves these alone, and what it lacks."""
    yield from by_words(
        SetNote(
            one.name, f"{protocol.name} re-encodes files first ({step})", f"{number} of {len(one.samples)}"
        )
        for one in testsets
        for step, number in Counter(one.reencoded.values()).items()
    )
    if protocol.reencode and not any(testset.reencoded for testset in testsets):
        rules = "; ".join(map(str, protocol.reencode))
        yield f"protocol {protocol.name} re-encodes no file of this dataset: its rule is {rules}"
    if protocol.lacks:
        yield f"protocol {protocol.name}, not done here: {protocol.lacks}"


def _take_stock(spec: Spec, source: FileSource, chosen: Groups, advance: Advance) -> dict[str, FileFacts]:
    """Read the facts of the files that test sets need, each file once; refuse if none can be read."""
    # reals that several test sets share are in each of them
    paths = list(dict.fromkeys(sample.path for samples in chosen.values() for sample in samples))
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        advance(f"reading {spec.name}", done, len(paths))

    facts = take_stock(source, paths, count)
    if any(fact.sha256 for fact in facts.values()):
        return facts
    # A table whose paths begin elsewhere, say. Facts do not keep why a file cannot be read: try one again.
    try:
        source.read(paths[0])
        reason = "it is there by now"
    except OSError as error:
        reason = str(error)
    raise BenchError(
        f"of {len(paths)} files of dataset '{spec.name}' not one can be read, the first: {reason}"
    )


def _notes(spec: Spec, findings: Findings, selection: Selection, data_root: Path) -> Iterator[str]:
    """Yield notes on what is not as it should be, as far as the names of the files tell."""
    if findings.unlabelled and not spec.rules.label_paths:  # else its notes say more
        first = readable(findings.unlabelled[0])
        yield f"left aside, in no label folder: {len(findings.unlabelled)}, the first '{first}'"
    yield from map(readable, findings.notes)
    # counts are those of the description's own files: of a list that somebody gives, files lack on purpose
    is_whole = selection.subsets == (spec.subset,)
    published = take(findings.samples, SCORED).samples
    lines = compare(spec, published, selection.testsets) if spec.counts and is_whole else []
    if differing := [line for line in lines if line.problem]:
        is_placed = Path(spec.folder).is_absolute()
        where = (
            f" --data {shlex.quote(f'{spec.name}={spec.folder}')}" if is_placed else root_option(data_root)
        )
        every = f"'bench data check {spec.name}{where}' shows all {len(differing)} differences"
        yield f"not as published: {differing[0]}; {every}"
