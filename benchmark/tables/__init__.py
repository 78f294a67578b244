"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forenbench.records.coverage import MISSING
from forenbench.records.store import Store

from .acc_ap import accuracy_and_precision as accuracy_and_precision
from .cell_frame import one_protocol as one_protocol
from .makers import REGISTRY as REGISTRY
from .makers import TABLES as TABLES
from .measured import measure as measure
from .notes import left_out
from .table import Table
from .table_kinds import find_kind


def make(name: str, stores: Iterable[Store], protocol: str | None = None, failed_as: str = MISSING) -> Table:
    """Make a table by name or by a file, from the cells of one protocol (see `one_protocol` and `measure`).

    Raises:
        BenchError: Unknown name or protocol, or nothing to show.
    """
    kind = find_kind(name, REGISTRY)
    cells = measure(stores, failed_as=failed_as)
    chosen = one_protocol(cells, protocol)
    table = kind.make(chosen.copy())
    return replace(table, notes=(*table.notes, *left_out(cells, chosen)))
