"""What can be seen of a requested dataset before its files are read: is it there, has it these test sets?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError, unknown

from .descriptions import Suite, specs
from .finding import find_files, find_place
from .layouts import locate
from .requests import find_lender, find_spec
from .testsets import group


def foresee(
    request: str, generators: Sequence[str], data_root: Path, places: Mapping[str, Path], rules: Rules
) -> None:
    """Refuse what `forenbench.data.catalogue.open_dataset` would refuse after it has read all files.

    Raises:
        MissingDataset: It has a name, but is not there.
        BenchError: Unknown name or generator, or no such place.
    """
    found = find_spec(request, rules)
    if isinstance(found, Suite):
        names = [name for part in found.parts for name in part.testsets]
        _refuse(f"generator of suite '{found.name}'", generators, names)
        known = specs()
        wanted = [one for one in found.parts if not generators or {*one.testsets} & {*generators}]
        parts = [locate(known[one.dataset], places) for one in wanted]
    else:
        parts = [locate(found, places)]
    for spec in parts:
        find_lender(spec)
        if spec.builder:  # made on first use
            continue
        find_place(spec, data_root / spec.folder, data_root)
        # Its files are listed for nothing else: of a million that takes seconds.
        if generators and not isinstance(found, Suite) and {*generators} - {*spec.testsets}:
            _, findings = find_files(spec, data_root)
            known_ones = (*spec.testsets, *group(spec, findings.samples))
            _refuse(f"generator of dataset '{spec.name}'", generators, known_ones)


def _refuse(what: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise BenchError(unknown(what, name, known))
