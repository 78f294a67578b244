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

from .console import say, show, show_table

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
    rows = []
    for one in cards():
        if one.problem:
            rows.append((one.name, "", f"cannot be used: {one.problem}", one.package))
        elif not one.variants:  # a package without a card: its code would say, but is not imported
            rows.append((one.name, "", "not stated without its code", one.package))
        rows += [(one.name, kind, ", ".join(names), one.package) for kind, names in one.variants.items()]
    show_table(("detector", "checkpoints", "variants", "package"), rows)
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
) -> None:
    """List every described dataset, then the suites; any folder with labels is a dataset, too."""
    if describe:
        known: dict[str, Spec | Suite] = {**specs(), **suites()}
        if describe not in ("all", *known):
            raise BenchError(unknown("dataset", describe, known, "bench list datasets"))
        show("\n".join(dataset_page(one) for name, one in known.items() if describe in ("all", name)))
        return
    counts = {name: sum(spec.counts.values()) for name, spec in specs().items()}
    show_table(
        ("dataset", "description", "images", "licence"),
        [
            (spec.name, spec.description, f"{counts[name]:,}" if counts[name] else "", spec.licence)
            for name, spec in specs().items()
        ],
    )
    show("")
    show_table(
        ("suite", "description", "of"),
        [
            # Several parts of a suite may select from one dataset, each other test sets of it.
            (suite.name, suite.description, ", ".join(dict.fromkeys(part.dataset for part in suite.parts)))
            for suite in suites().values()
        ],
    )


@app.command()
def perturbations() -> None:
    """List every kind of perturbation, the profiles and the suites; kinds and profiles chain with '+'."""
    from forenbench.perturbations import added
    from forenbench.perturbations.kinds import KINDS
    from forenbench.perturbations.suites import profiles
    from forenbench.perturbations.suites import suites as perturbation_suites

    rows = [(kind.syntax, kind.description, kind.lack() or kind.range) for kind in KINDS]
    others = _added(added(), lambda kind: (kind.syntax, kind.description, kind.lack() or kind.range))
    show_table(("perturbation", "what it does", "values"), [*rows, *others])
    show("")
    show_table(
        ("profile", "stands for", "date", "source"),
        [(one.name, one.chain, one.date, one.source) for one in profiles().values()],
    )
    show("")
    show_table(
        ("suite", "perturbations", "source"),
        [(one.name, ", ".join(one.perturbations), one.source) for one in perturbation_suites().values()],
    )


@app.command()
def protocols() -> None:
    """List every protocol: what it fixes of files and numbers, and who states it."""
    from forenbench.data.protocols import protocols as known

    rows = [(one.name, one.description, one.source) for one in known().values()]
    show_table(("protocol", "what it fixes", "source"), rows)


@app.command()
def tables() -> None:
    """List every table: those that any run has, and the papers'."""
    from forenbench.tables import REGISTRY, TABLES
    from forenbench.tables.papers import paper_tables

    generic = [(name, kind.description, "any run") for name, kind in TABLES.items()]
    others = _added(REGISTRY.added(), lambda kind: (kind.name, kind.description, "any run"))
    papers = [(name, paper.title, paper.source) for name, paper in paper_tables().items()]
    show_table(("table", "what it shows", "of"), [*generic, *others, *papers])


@app.command()
def weights() -> None:
    """List every checkpoint: the same as ``bench weights list``."""
    from .weights import listing

    listing()


@app.command()
def sources() -> None:
    """List every kind of place that images are read from."""
    others = _added(SOURCES.added(), lambda kind: (kind.name, kind.description, ""))
    ours = [(one.name, one.description) for one in OURS]
    show_table(("source", "opens"), [*ours, *(row[:2] for row in others)])


@app.command()
def metrics() -> None:
    """List every metric by its column, and what it means."""
    from forenbench.metrics.metric_catalogue import ADDED, METRICS

    # The catalogue holds what packages add beside our own; those are listed below, with their package.
    names = {one.entry.name for one in ADDED if one.thing}
    ours = [(name, row.label, row.term.meaning) for name, row in METRICS.items() if name not in names]
    others = _added(ADDED, lambda row: (row.name, row.label, row.term.meaning))
    show_table(("metric", "in tables", "meaning"), [*ours, *others])


@app.command()
def engines() -> None:
    """List every engine."""
    from forenbench.scoring.engines import ENGINES

    show_table(("engine", "package"), [(name, one.package) for name, one in ENGINES.entries().items()])


def _added(found: Iterable[Opened[T]], words: Callable[[T], Row]) -> Iterator[Row]:
    """Lay out what packages add, with its package, also what of it cannot be used."""
    for one in found:
        if one.thing is None:
            yield (one.entry.name, f"cannot be used: {one.problem}", "")
        else:
            name, description, values = words(one.thing)
            yield (name, f"{description} (package {one.entry.package})", values)
