"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING
from forenbench.records.store import Store

from .acc_ap import accuracy_and_precision as accuracy_and_precision
from .cell_frame import one_protocol as one_protocol
from .makers import REGISTRY as REGISTRY
from .makers import TABLES as TABLES
from .measured import measure as measure
from .notes import left_out
from .paper import PaperTable
from .papers import lay_out, paper_tables
from .published import against_published as beside_published
from .table import Table
from .table_kinds import TableKind, find_kind


def find_table(request: str) -> TableKind | PaperTable:
    """Find a table by its name, or in a file: any run's, a package's or a paper's.

    Raises:
        BenchError: There is none, or it cannot be used.
    """
    papers = paper_tables()
    # A package that takes a paper's name is refused, not passed over: `find_kind` says so.
    if request in papers and request not in REGISTRY.entries():
        return papers[request]
    return find_kind(request, REGISTRY)


def make(  # noqa: PLR0913 - what images count as is two of them
    table: str | TableKind | PaperTable,
    stores: Iterable[Store],
    protocol: str | None = None,
    failed_as: str = MISSING,
    tampered_as: str = APART,
    *,
    against_published: bool = False,
) -> Table:
    """Make a table from the cells of one protocol (see `one_protocol` and `measure`).

    Args:
        table: Its name or file, or what `find_table` has found.
        stores: Runs.
        protocol: See `one_protocol`.
        failed_as: See `measure`.
        tampered_as: See `measure`.
        against_published: A paper's numbers beside the measured ones; for tables of papers.

    Raises:
        BenchError: Unknown name or protocol, nothing to show, or nothing was published to show beside it.
    """
    found = find_table(table) if isinstance(table, str) else table
    if isinstance(found, PaperTable):
        measured = measure(stores, by_class=found.by_class, failed_as=failed_as, tampered_as=tampered_as)
        made = lay_out(found, measured, protocol)
        return beside_published(found, made) if against_published else made
    if against_published:
        raise BenchError(f"table '{found.name}' is not a paper's: nothing was published to show beside it")
    cells = measure(stores, failed_as=failed_as, tampered_as=tampered_as)
    chosen = one_protocol(cells, protocol)
    made = found.make(chosen.copy())  # a table of others may change what it is given
    return replace(made, notes=(*made.notes, *left_out(cells, chosen)))
