"""``bench list``: what there is to ask for.

What is heavy is imported by the list that needs it: tables bring pandas and engines PyTorch, for which nobody
should wait who wants to see the detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from forenbench.data.dataset_page import dataset_page
from forenbench.data.descriptions import Spec, Suite, specs, suites
from forenbench.data.sources.locations import OURS
from forenbench.data.sources.source_kinds import SOURCES
from forenbench.errors import BenchError, unknown
from forenbench.plugins.cards import cards

from . import options as o
from .console import say, show, show_lists, show_table

if TYPE_CHECKING:
    from forenbench.registry import Opened

T = TypeVar("T")
Row = tuple[str, str, str]

app = typer.Typer(
    help="List detectors, datasets, engines, metrics, perturbations, protocols, sources, tables or weights.",
    no_args_is_help=True,
)


@app.command()
def detectors(
    card: Annotated[
        str,
        typer.Option(
            metavar="NAME|all",
            help="Print a detector's card as Markdown: source, input, parity, checkpoints.",
        ),
    ] = "",
    style: o.ListStyle = "text",
) -> None:
    """List every installed detector, its variants, and the package that provides it."""
    if card:
        from forenbench.plugins.card_page import card_page
        from forenbench.plugins.installed import find

        known = {one.name: one for one in cards()}
        if card not in ("all", *known):
            raise BenchError(unknown("detector", card, known, "bench list detectors"))
        asked = [one for one in known.values() if card in ("all", one.name)]
        if card != "all" and asked[0].problem:
            raise BenchError(f"detector '{card}' ({asked[0].package}) cannot be used: {asked[0].problem}")
        show("\n".join(card_page(one, find(one.name).checkpoints) for one in asked if not one.problem))
        return
    rows: list[tuple[str, str, list[str], str, str]] = []
    for one in cards():
        if one.problem:
            rows.append((one.name, "", [], one.package, f"cannot be used: {one.problem}"))
        elif not one.variants:  # a package without a card: its code would say, but is not imported
            rows.append((one.name, "", [], one.package, "not stated without its code"))
        rows += [(one.name, kind, [*names], one.package, "") for kind, names in one.variants.items()]
    if style == "json":
        heads = dict.fromkeys(("detector", "checkpoints", "variants", "package", "problem"), "")
        show_lists("detectors", style, detectors=(heads, rows))
        return
    texts = [(*row[:2], ", ".join(row[2]) or row[4], row[3]) for row in rows]
    show_table(("detector", "checkpoints", "variants", "package"), texts)
    say("Models without a plugin: hf:ORG/NAME, onnx:FILE, timm:NAME+head=FILE; see docs/adding_a_detector.md")


@app.command()
def datasets(
    describe: Annotated[
        str,
        typer.Option(
            metavar="NAME|all",
            help="Print a description as Markdown: licence, places, test sets, what to know before scoring.",
        ),
    ] = "",
    style: o.ListStyle = "text",
) -> None:
    """List every described dataset, then the suites; any folder with labels is a dataset, too."""
    if describe:
        known: dict[str, Spec | Suite] = {**specs(), **suites()}
        if describe not in ("all", *known):
            raise BenchError(unknown("dataset", describe, known, "bench list datasets"))
        show("\n".join(dataset_page(one) for name, one in known.items() if describe in ("all", name)))
        return
    counts = {name: sum(spec.counts.values()) for name, spec in specs().items()}
    described = [
        (spec.name, spec.description, counts[name] or None, spec.licence) for name, spec in specs().items()
    ]
    made_of = [
        # Several parts of a suite may select from one dataset, each other test sets of it.
        (suite.name, suite.description, list(dict.fromkeys(part.dataset for part in suite.parts)))
        for suite in suites().values()
    ]
    show_lists(
        "datasets",
        style,
        datasets=(_heads("dataset", "description", "images", "licence"), described),
        suites=(_heads("suite", "description", of="of"), made_of),
    )


@app.command()
def perturbations(style: o.ListStyle = "text") -> None:
    """List every kind of perturbation, the profiles and the suites; kinds and profiles chain with '+'."""
    from forenbench.perturbations import added
    from forenbench.perturbations.kinds import KINDS
    from forenbench.perturbations.suites import profiles
    from forenbench.perturbations.suites import suites as perturbation_suites

    rows = [(kind.syntax, kind.description, kind.lack() or kind.range) for kind in KINDS]
    others = _added(added(), lambda kind: (kind.syntax, kind.description, kind.lack() or kind.range))
    chains = [(one.name, one.chain, one.date, one.source) for one in profiles().values()]
    several = [(one.name, list(one.perturbations), one.source) for one in perturbation_suites().values()]
    show_lists(
        "perturbations",
        style,
        kinds=(_heads("perturbation", description="what it does", values="values"), [*rows, *others]),
        profiles=(_heads("profile", chain="stands for", date="date", source="source"), chains),
        suites=(_heads("suite", "perturbations", "source"), several),
    )


@app.command()
def protocols(style: o.ListStyle = "text") -> None:
    """List every protocol: what it fixes of files and numbers, and who states it."""
    from forenbench.data.protocols import protocols as known

    rows = [(one.name, one.description, one.source) for one in known().values()]
    heads = _heads("protocol", description="what it fixes", source="source")
    show_lists("protocols", style, protocols=(heads, rows))


@app.command()
def tables(style: o.ListStyle = "text") -> None:
    """List every table: those that any run has, and the papers'."""
    from forenbench.tables import REGISTRY, TABLES
    from forenbench.tables.papers import paper_tables

    generic = [(name, kind.description, "any run") for name, kind in TABLES.items()]
    others = _added(REGISTRY.added(), lambda kind: (kind.name, kind.description, "any run"))
    papers = [(name, paper.title, paper.source) for name, paper in paper_tables().items()]
    heads = _heads("table", description="what it shows", of="of")
    show_lists("tables", style, tables=(heads, [*generic, *others, *papers]))


@app.command()
def weights(style: o.ListStyle = "text") -> None:
    """List every checkpoint: the same as ``bench weights list``."""
    from .weights import listing

    listing(style=style)


@app.command()
def sources(style: o.ListStyle = "text") -> None:
    """List every kind of place that images are read from."""
    others = _added(SOURCES.added(), lambda kind: (kind.name, kind.description, ""))
    ours = [(one.name, one.description) for one in OURS]
    rows = [*ours, *(row[:2] for row in others)]
    show_lists("sources", style, sources=(_heads("source", description="opens"), rows))


@app.command()
def metrics(style: o.ListStyle = "text") -> None:
    """List every metric by its column, and what it means."""
    from forenbench.metrics.metric_catalogue import ADDED, METRICS

    # The catalogue holds what packages add beside our own; those are listed below, with their package.
    names = {one.entry.name for one in ADDED if one.thing}
    ours = [(name, row.label, row.term.meaning) for name, row in METRICS.items() if name not in names]
    others = _added(ADDED, lambda row: (row.name, row.label, row.term.meaning))
    heads = _heads("metric", label="in tables", meaning="meaning")
    show_lists("metrics", style, metrics=(heads, [*ours, *others]))


@app.command()
def engines(style: o.ListStyle = "text") -> None:
    """List every engine."""
    from forenbench.scoring.engines import ENGINES

    rows = [(name, one.package) for name, one in ENGINES.entries().items()]
    show_lists("engines", style, engines=(_heads("engine", "package"), rows))


def _heads(*same: str, **named: str) -> dict[str, str]:
    """Say what columns are called in JSON, and what stands above them in text."""
    return {**{name: name for name in same}, **named}


def _added(found: Iterable[Opened[T]], words: Callable[[T], Row]) -> Iterator[Row]:
    """Lay out what packages add, with its package, also what of it cannot be used."""
    for one in found:
        if one.thing is None:
            yield (one.entry.name, f"cannot be used: {one.problem}", "")
        else:
            name, description, values = words(one.thing)
            yield (name, f"{description} (package {one.entry.package})", values)
