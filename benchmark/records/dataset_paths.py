"""Where the datasets of a run are: where the run found them, or where somebody says now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from forenbench.data.descriptions import Spec, specs
from forenbench.data.requests import find_spec
from forenbench.data.sources.rules import Rules
from forenbench.data.sources.source_kinds import is_there
from forenbench.types import NOWHERE

from .record import Record

DATA_ROOT = Path("data")
"""Where described datasets lie unless somebody says otherwise."""


class Found(NamedTuple):
    """What `forenbench.data.finding.find_files` opens a dataset by."""

    spec: Spec
    data_root: Path


def find_datasets(records: Sequence[Record], requests: Sequence[str], data_root: Path) -> dict[str, Found]:
    """Say where each dataset behind records can be opened; those that cannot are missing.

    Args:
        records: As `forenbench.records.store.Store.records` returns them.
        requests: Names or paths of datasets, tried first.
        data_root: Where described datasets lie; what records say of that counts if this is `DATA_ROOT`.

    A dataset that nobody names is looked for where the run found it, then by its name. Only records of
    earlier versions do not say where that was: there the path counts that the run's command names, seen from
    here. Whatever is opened by a path is read by the rules that the newest run read it by.

    Raises:
        BenchError: One of `requests` is neither a name nor a path.
    """
    asked = {name: request for request in requests for name, request in _names(request)}
    found: dict[str, Found | None] = {record.cell.dataset: None for record in records}
    # stable: of records of one run, the first counts
    for record in sorted(records, key=lambda record: record.provenance.time, reverse=True):
        name = record.cell.dataset
        at = None
        if found[name] is None and name in asked:
            at = _opened(asked[name], data_root, _rules(record))
        elif found[name] is None:
            at = _remembered(name, record, data_root)
        if at:
            # reals are borrowed of a dataset where somebody says now that it is, or where the run found it
            where = record.provenance.found or NOWHERE
            lender = asked.get(where.lender or "", where.lender_path or "")
            if lender and is_there(Path(lender)):
                at = at._replace(spec=replace(at.spec, lender_path=str(Path(lender).absolute())))
            found[name] = at
    return {name: at for name, at in found.items() if at}


def _rules(record: Record) -> Rules:
    """Return the rules by which a run read its dataset."""
    return Rules.parse((record.provenance.found or NOWHERE).rules or {})


def _opened(request: str, data_root: Path, rules: Rules) -> Found:
    """Find what a request for one dataset stands for."""
    spec = find_spec(request)
    assert isinstance(spec, Spec)  # for `_names` has resolved suites into their datasets
    return Found(spec if request in specs() else replace(spec, rules=rules), data_root)


def _remembered(name: str, record: Record, data_root: Path) -> Found | None:
    """Find a dataset by what its record says."""
    known, found = specs().get(name), record.provenance.found
    path, root = map(Path, (found or NOWHERE)[:2])
    root = root if data_root == DATA_ROOT and root.is_absolute() else data_root
    # the path that the run opened comes before the name, which may stand for another folder by now
    if path.is_absolute() and is_there(path):
        return Found(replace(known or Spec(name, "", ""), folder=str(path), rules=_rules(record)), root)
    if known:
        return Found(known, root)
    if not found:
        # Records of earlier versions keep the command alone. Its paths are relative to a folder that nobody
        # knows, so that one counts only if what is there now has the dataset's name.
        words = record.provenance.command or ()
        for before, word in zip(["", *words], words, strict=False):
            if before != "--dataset" and not word.startswith("--dataset="):
                continue
            request = word.removeprefix("--dataset=")
            if request and Path(request).exists() and (name, request) in _names(request):
                return _opened(request, data_root, _rules(record))
    return None


def _names(request: str) -> Iterator[tuple[str, str]]:
    """List the datasets that a request stands for, one or a suite's several, and the request for each."""
    found = find_spec(request)
    if isinstance(found, Spec):
        yield found.name, request
    else:
        yield from ((part.dataset, part.dataset) for part in found.parts)
