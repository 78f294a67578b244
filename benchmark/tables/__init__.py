"""Rows → one line of metrics a cell → pandas tables for any run, made from the store alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from forenbench.errors import BenchError
from forenbench.metrics.metric import AUTHOR, ORACLE
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.metrics.metric_values import check_names
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
    metrics: Sequence[str] = (),
) -> Table:
    """Make a table from the cells of one protocol (see `one_protocol` and `measure`).

    Args:
        table: Its name or file, or what `find_table` has found.
        stores: Runs.
        protocol: See `one_protocol`.
        failed_as: See `measure`.
        tampered_as: See `measure`.
        against_published: A paper's numbers beside the measured ones; for tables of papers.
        metrics: Shown in place of the table's own, by their columns.

    Raises:
        BenchError: Unknown name, protocol or metric, nothing to show, nothing was published to show beside
            it, or its metrics are fixed.
    """
    found = find_table(table) if isinstance(table, str) else table
    check_names(metrics)
    if metrics and (isinstance(found, PaperTable) or not found.takes_metrics):
        why = "the paper says which" if isinstance(found, PaperTable) else found.fixed
        raise BenchError(f"table '{found.name}' is of no other metric, its own are fixed: {why}")
    if isinstance(found, PaperTable):
        measured = measure(stores, by_class=found.by_class, failed_as=failed_as, tampered_as=tampered_as)
        made = lay_out(found, measured, protocol)
        return beside_published(found, made) if against_published else made
    if against_published:
        raise BenchError(f"table '{found.name}' is not a paper's: nothing was published to show beside it")
    cells = measure(stores, failed_as=failed_as, tampered_as=tampered_as)
    chosen = one_protocol(cells, protocol)
    for metric in metrics:
        by_fit = METRICS[metric].by not in (AUTHOR, ORACLE)
        if metric not in chosen or (by_fit and chosen[metric].isna().all()):
            raise BenchError(f"no cell has metric '{metric}': 'bench calibrate --on RUN' fits what it needs")
    # A table of others may change what it is given.
    made = found.make(chosen.copy(), *([list(dict.fromkeys(metrics))] if metrics else []))
    return replace(made, notes=(*made.notes, *left_out(cells, chosen)), cells=chosen)
