"""Tables that packages and files add, held at arm's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from reprlib import repr as short

import pandas as pd

from forenbench.errors import BenchError, unknown
from forenbench.registry import OURS, Registry
from forenbench.registry.guests import contained, reason
from forenbench.registry.plugin_files import read_plugin, split_request

from .table import Table

GROUP = "forenbench.tables"


@dataclass(frozen=True, slots=True)
class TableKind:
    """A table that can be made of any run.

    Attributes:
        name: As in ``bench table NAME``.
        description: For ``bench list tables``.
        make: Takes the cells of one protocol, as `forenbench.tables.measure` returns them, and lays them out;
            where `takes_metrics`, also names of metrics that it shows in place of its own.
        takes_metrics: See `make`.
        fixed: Why it does not, in words that follow "its metrics are fixed: ".
    """

    name: str
    description: str
    make: Callable[..., Table]
    takes_metrics: bool = False
    fixed: str = "they are what it is about"


def find_kind(request: str, registry: Registry[TableKind]) -> TableKind:
    """Find a table by its name, or in a file.

    Args:
        request: The name, or the file's path.
        registry: Of tables.

    Raises:
        BenchError: There is none, or it cannot be used.
    """
    if split_request(request) == (request, None):
        kind = registry.in_file(read_plugin(request, "table"), TableKind)
        # Under a known name its numbers would be taken for those of the table that everybody knows.
        if kind.name in (*registry.ours, *registry.reserved()):
            raise BenchError(
                f"two tables are called '{kind.name}': one of {OURS} and the one in '{request}'; give yours "
                "another name"
            )
    else:
        if request not in (known := registry.entries()):
            raise BenchError(unknown("table", request, [*known, *registry.reserved()]))
        found = registry.find(request)
        assert found.thing is not None
        if not found.entry.is_added:
            return found.thing
        kind = replace(found.thing, name=request)
    return replace(kind, make=partial(_made, kind))


def added(cells: pd.DataFrame, registry: Registry[TableKind]) -> Iterator[Table]:
    """Make every table that packages add; in place of one that cannot be made stands the reason."""
    for one in registry.added():
        try:
            if one.thing is None:
                raise BenchError(f"table '{one.entry.name}' cannot be used: {one.problem}")
            # A copy for each: one that writes into it must not change what the next one sees.
            yield find_kind(one.entry.name, registry).make(cells.copy())
        except BenchError as error:
            frame = pd.DataFrame({"problem": [str(error)]})
            yield Table(one.entry.name, f"Table of package {one.entry.package}", frame, ())


def _made(kind: TableKind, cells: pd.DataFrame, *metrics: Sequence[str]) -> Table:
    """Call code of others, and look at what it made."""
    try:
        with contained():
            table = kind.make(cells, *metrics)
    except Exception as error:
        raise BenchError(f"table '{kind.name}' cannot be made: {reason(error)}") from error
    if not isinstance(table, Table) or not isinstance(table.frame, pd.DataFrame):
        raise BenchError(f"table '{kind.name}' made {short(table)}: it must return a Table with a DataFrame")
    return replace(table, name=kind.name, notes=tuple(map(str, table.notes)))


def flaw(thing: object) -> str:
    """Say what is no table."""
    if not isinstance(thing, TableKind):
        return "is no forenbench.tables.table_kinds.TableKind"
    if not isinstance(thing.name, str) or not thing.name.isprintable() or not thing.name.strip():
        return f"has name {short(thing.name)}: not a text that can be printed"
    return "" if callable(thing.make) else "has a make that cannot be called"
