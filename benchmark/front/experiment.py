"""Experiments: what a published table needs to be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forenbench.errors import BenchError, unknown
from forenbench.scoring.run_request import Request


def of_table(name: str, others: Mapping[str, object], generators: Sequence[str] = ()) -> Request:
    """Read off a published table what it needs.

    Args:
        name: Of the table.
        others: What else is asked for that would say the same thing, by what the caller calls it.
        generators: Only these of its test sets; the columns or rows of the others stay blank. Empty for all.

    Raises:
        BenchError: There is no such table, it has no such test set, or another option is given.
    """
    from forenbench.tables.papers import paper_tables

    for option, value in others.items():
        if value:  # passed over in silence, it would be taken for what was run
            raise BenchError(f"experiment '{name}' already says what to run; leave out {option}")
    if name not in paper_tables():
        raise BenchError(unknown("experiment", name, paper_tables(), "bench list tables"))
    table = paper_tables()[name]
    testsets = table.testsets()
    if not testsets:
        raise BenchError(
            f"table '{name}' can be shown as published, not run: none of its rows is a detector here"
        )
    known = [one for names in testsets.values() for one in names]
    for wanted in generators:
        if wanted not in known:
            raise BenchError(unknown(f"test set of table '{name}'", wanted, known))
    if generators:
        chosen = {one: [name for name in names if name in generators] for one, names in testsets.items()}
        testsets = {dataset: names for dataset, names in chosen.items() if names}
    return Request(table.detectors(), testsets, table.perturbations(), name, protocol=table.protocol)


def narrowed(request: Request) -> list[str]:
    """List the test sets that a request wants of its published table; none where it wants all of them."""
    from forenbench.tables.papers import paper_tables

    every = paper_tables()[request.table].testsets()
    if dict(request.datasets) == every:
        return []
    return [name for names in request.datasets.values() for name in names]
