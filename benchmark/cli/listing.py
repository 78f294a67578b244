"""``bench list``: what there is to ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from forenbench.errors import BenchError

from .console import cell, out, show

if TYPE_CHECKING:
    from forenbench.registry import Opened

T = TypeVar("T")


def listing(
    what: Annotated[
        str,
        typer.Argument(
            help="detectors, datasets, engines, metrics, perturbations, sources, tables or weights."
        ),
    ],
) -> None:
    """List detectors, datasets, engines, metrics, perturbations, sources, tables or weights."""
    from forenbench.errors import unknown

    if what not in LISTS:
        raise BenchError(unknown("list", what, LISTS))
    LISTS[what]()


def _detectors() -> None:
    """Every installed detector, its variants, and what provides it."""
    from forenbench.plugins.cards import cards

    rows = []
    for card in cards():
        if card.problem:
            rows.append((card.name, "", f"cannot be used: {card.problem}", card.package))
        elif not card.variants:
            rows.append((card.name, "", "not stated without its code", card.package))
        rows += [(card.name, kind, ", ".join(names), card.package) for kind, names in card.variants.items()]
    _print(("detector", "checkpoints", "variants", "package"), rows)


def datasets() -> None:
    """List every described dataset, then the suites; any folder with labels is a dataset, too."""
    from forenbench.data.descriptions import specs, suites

    _print(
        ("dataset", "description", "images", "licence"),
        [
            (
                spec.name,
                spec.description,
                f"{sum(spec.counts.values()):,}" if spec.counts else "",
                spec.licence,
            )
            for spec in specs().values()
        ],
    )
    show("")
    _print(
        ("suite", "description", "of"),
        [
            (suite.name, suite.description, ", ".join(dict.fromkeys(part.dataset for part in suite.parts)))
            for suite in suites().values()
        ],
    )


def _perturbations() -> None:
    """Every kind of perturbation, the profiles and the suites; kinds and profiles chain with '+'."""
    from forenbench.perturbations import added
    from forenbench.perturbations.kinds import KINDS
    from forenbench.perturbations.suites import profiles, suites

    rows = [(kind.syntax, kind.description, kind.lack() or kind.range) for kind in KINDS]
    others = _added(added(), lambda kind: (kind.syntax, kind.description, kind.lack() or kind.range))
    _print(("perturbation", "what it does", "values"), [*rows, *others])
    show("")
    _print(
        ("profile", "stands for", "date", "source"),
        [(one.name, one.chain, one.date, one.source) for one in profiles().values()],
    )
    show("")
    _print(
        ("suite", "perturbations", "source"),
        [(one.name, ", ".join(one.perturbations), one.source) for one in suites().values()],
    )


def _tables() -> None:
    """Every table: those that any run has, and the papers'."""
    from forenbench.tables import REGISTRY, TABLES
    from forenbench.tables.papers import paper_tables

    generic = [(name, kind.description, "any run") for name, kind in TABLES.items()]
    others = _added(REGISTRY.added(), lambda kind: (kind.name, kind.description, "any run"))
    papers = [(name, paper.title, paper.source) for name, paper in paper_tables().items()]
    _print(("table", "what it shows", "of"), [*generic, *others, *papers])


def _weights() -> None:
    """Every checkpoint: the same as ``bench weights list``."""
    from .weights import listing as checkpoints

    checkpoints()


def _sources() -> None:
    """Every kind of place that images are read from."""
    from forenbench.data.sources.locations import OURS
    from forenbench.data.sources.source_kinds import SOURCES

    others = _added(SOURCES.added(), lambda kind: (kind.name, kind.description, ""))
    _print(
        ("source", "opens"),
        [*((one.name, one.description) for one in OURS), *(row[:2] for row in others)],
    )


def _metrics() -> None:
    """Every metric by its column, and what it means."""
    from forenbench.metrics.metric_catalogue import ADDED, METRICS

    names = {one.entry.name for one in ADDED if one.thing}
    ours = [(name, row.label, row.term.meaning) for name, row in METRICS.items() if name not in names]
    others = _added(ADDED, lambda row: (row.name, row.label, row.term.meaning))
    _print(("metric", "in tables", "meaning"), [*ours, *others])


def _engines() -> None:
    """Every engine."""
    from forenbench.scoring.engines import ENGINES

    _print(("engine", "package"), [(name, one.package) for name, one in ENGINES.entries().items()])


LISTS: Mapping[str, Callable[[], None]] = {
    "detectors": _detectors,
    "datasets": datasets,
    "engines": _engines,
    "metrics": _metrics,
    "perturbations": _perturbations,
    "sources": _sources,
    "tables": _tables,
    "weights": _weights,
}


def _added(
    found: Iterable[Opened[T]], words: Callable[[T], tuple[str, str, str]]
) -> Iterator[tuple[str, str, str]]:
    """Lay out what packages add, with its package, also what of it cannot be used."""
    for one in found:
        if one.thing is None:
            yield (one.entry.name, f"cannot be used: {one.problem}", "")
        else:
            name, description, values = words(one.thing)
            yield (name, f"{description} (package {one.entry.package})", values)


def _print(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table as wide as the terminal."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(cell, row))
    out.print(table, soft_wrap=False)
