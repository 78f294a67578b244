"""Requests → descriptions: names of datasets and suites, or paths of folders, archives and manifests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forenbench.errors import BenchError, hint_at, unknown
from forenbench.files.hub_datasets import (
    find_snapshot,
    is_hub_dataset,
    parse_hub_dataset,
    snapshot_of,
    tree_of,
)
from forenbench.printable import readable

from .descriptions import Spec, Suite, specs, suites
from .sources.archive import is_archive, stem_of
from .sources.rules import NO_RULES, Rules
from .sources.source_kinds import is_there, split_place


def find_spec(request: str, rules: Rules = NO_RULES) -> Spec | Suite:
    """Find what describes a dataset or suite, without looking at its files.

    Args:
        request: A name from `specs` or `suites`, or the path of a folder, archive or manifest, or of a file
            that opens a place, and the place: ``./npz.py:images.npz``; or ``hf://datasets/ORG/NAME@REVISION``
            for a dataset in the Hugging Face hub's cache on this machine.
        rules: How the files of a path say what they are; a name has rules of its own.

    Raises:
        NotHere: A dataset of the hub is not in its cache.
        BenchError: Neither a name nor a path, or rules beside a name.
    """
    known: dict[str, Spec | Suite] = {**specs(), **suites()}
    if request in known:
        if rules:
            raise BenchError(
                f"dataset '{request}' says itself what its files are: leave out the rules ("
                f"{', '.join(rules.to_json())}), or name the path of its folder"
            )
        return known[request]
    if is_hub_dataset(request):
        place = find_snapshot(parse_hub_dataset(request))
        snapshot = snapshot_of(place)
        assert snapshot is not None  # for that is how the cache is laid out
        return Spec(readable(snapshot.title), "", "", folder=str(place), rules=rules)
    path = Path(request)
    if (guest := split_place(path)) is not None and is_there(path):
        folder = ":".join(str(Path(part).absolute()) for part in guest)
        return Spec(readable(_name(guest[1])), "", "", folder=folder, rules=rules)
    if path.exists():
        return Spec(readable(_name(path)), "", "", folder=str(path.absolute()), rules=rules)
    if hint := hint_at(request):
        raise BenchError(f"no dataset, folder or file '{request}': {hint}")
    wrong = unknown("dataset", request, known, "bench list datasets")
    raise BenchError(f"{wrong} (and there is no such folder or file)")


def describe_snapshot(request: str) -> Spec:
    """Describe a dataset in the hub's cache: by the description that is of this repository, if there is one.

    Raises:
        NotHere: It is not in the cache.
        BenchError: It is no such dataset.
    """
    wanted = parse_hub_dataset(request)
    found = find_spec(request)
    assert isinstance(found, Spec)  # a place, not a name
    for spec in specs().values():
        trees = [tree_of(one.url) for one in spec.downloads]
        # of a part of it the description's counts would all be wrong
        if not wanted.inside and any(tree and tree.repository == wanted.repository for tree in trees):
            return replace(spec, folder=found.folder, archives=())
    return found


def find_lender(spec: Spec) -> Spec | None:
    """Find the dataset whose reals stand beside another one's fakes; None where it borrows none.

    Raises:
        BenchError: It is neither a name nor a path, or a suite.
    """
    request = spec.rules.reals
    if not request:
        return None
    if (known := specs().get(request)) is not None:
        return replace(known, folder=spec.lender_path, archives=()) if spec.lender_path else known
    try:
        found = find_spec(spec.lender_path or request)
    except BenchError as error:
        raise BenchError(f"reals beside dataset '{spec.name}': {error}") from None
    if isinstance(found, Suite):
        raise BenchError(f"reals beside dataset '{spec.name}': '{request}' is a suite; name one dataset")
    return found


def _name(path: Path) -> str:
    """Name what lies at a path: a folder as it is, a file without its suffix."""
    if path.is_dir():
        return path.resolve().name
    return stem_of(path) if is_archive(path) else path.stem
