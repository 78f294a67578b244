"""Where the datasets of a run are: by their own names, or at the path that the run's command named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .catalogue import find_spec
from .descriptions import Spec, specs


def find_requests(records: Iterable[Mapping[str, Any]], requests: Sequence[str]) -> dict[str, str]:
    """Say by which name or path each dataset behind records can be opened; those that cannot are missing.

    Args:
        records: As `forenbench.store.Store.records` returns them.
        requests: Names or paths of datasets, tried first.

    A dataset that nobody names is looked for by its name, then at the path that the run's own command names,
    seen from here.

    Raises:
        BenchError: One of `requests` is neither a name nor a path.
    """
    known = {name: request for request in requests for name, request in _names(request)}
    found: dict[str, str] = {}
    for record in records:
        name = record["cell"]["dataset"]
        request = known.get(name) or (name if name in specs() else _asked_for(name, record))
        if request:
            found.setdefault(name, request)
    return found


def _names(request: str) -> Iterator[tuple[str, str]]:
    """List the datasets that a request stands for, one or a suite's several, and the request for each."""
    found = find_spec(request)
    if isinstance(found, Spec):
        yield found.name, request
    else:
        yield from ((part.dataset, part.dataset) for part in found.parts)


def _asked_for(name: str, record: Mapping[str, Any]) -> str:
    """Find the path of that name in the command that made a record; empty if there is none."""
    words = record["made"].get("command", [])
    for before, word in zip(["", *words], words, strict=False):
        request = word if before == "--dataset" else word.removeprefix("--dataset=") if "=" in word else ""
        if request and Path(request).exists() and (name, request) in _names(request):
            return str(request)
    return ""
