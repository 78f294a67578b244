"""What a report holds: tables, curves, mistakes and provenance of some runs, ready to be set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from forenbench.errors import BenchError
from forenbench.records.coverage import MISSING, mark_counted
from forenbench.records.finished import Finished, newest
from forenbench.records.store import Store
from forenbench.tables import leaderboard, table_kinds
from forenbench.tables.cell_frame import TESTSET, one_protocol
from forenbench.tables.makers import REGISTRY, TABLES
from forenbench.tables.measured import measure
from forenbench.tables.notes import left_out
from forenbench.tables.table import Table

from . import audited, charts, curves, glossary, provenance
from .charts import Chart, Style
from .chosen import name_detectors, plainest
from .grid import Grid, lay_out
from .heat import heat_map
from .levels import draw_robustness
from .mistakes import COLUMNS, Mistake, worst, worst_of_cell

if TYPE_CHECKING:
    from forenbench.audit import Audit

    from .thumbnails import Picture, Thumbnails


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a report is to hold.

    Attributes:
        pictures: Where images are found.
        worst: How many reals, and how many fakes, are shown of each detector.
        protocol: See `forenbench.tables.one_protocol`.
        audit: Of the test sets, where one is to be shown.
        failed_as: What images without a score count as, one of `forenbench.records.coverage.FAILED_AS`.
    """

    pictures: Thumbnails
    worst: int = 4
    protocol: str | None = None
    audit: Audit | None = None
    failed_as: str = MISSING


@dataclass(frozen=True, slots=True)
class Gallery:
    """The mistakes of one detector, each with its picture, and the threshold that makes them mistakes."""

    detector: str
    threshold: str
    reals: Sequence[tuple[Mistake, Picture]]
    fakes: Sequence[tuple[Mistake, Picture]]


@dataclass(frozen=True, slots=True)
class Section:
    """The curves of one dataset: their pictures, and the look of each detector's lines."""

    dataset: str
    pictures: Sequence[Chart]
    legend: Mapping[str, Style]
    words: str


@dataclass(slots=True)
class _Drawn:
    """What is gathered while each cell's rows are read once."""

    curves: dict[str, dict[tuple[str, str], dict[str, curves.Curves]]] = field(default_factory=dict)
    mistakes: dict[tuple[str, str], list[Mistake]] = field(default_factory=dict)
    thresholds: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)


def collect(stores: Sequence[Store], wishes: Wishes) -> dict[str, Any]:
    """Collect what the template sets, from one or more runs.

    Raises:
        BenchError: No finished cell, or none under the protocol.
    """
    every = measure(stores, failed_as=wishes.failed_as)
    cells = one_protocol(every, wishes.protocol)
    scored = [one for one in newest(stores) if one.protocol == cells["protocol"].iloc[0]]
    return {**_content(cells, scored, wishes), "left_out": list(left_out(every, cells))}


def _content(cells: pd.DataFrame, scored: Sequence[Finished], wishes: Wishes) -> dict[str, Any]:
    """Collect what the template sets."""
    names = name_detectors(one.detector for one in scored)
    perturbation = plainest(list(dict.fromkeys(cells["perturbation"])))
    drawn = _read([one for one in scored if one.perturbation == perturbation], wishes)
    made = list(_tables(cells))
    common = _common([table.notes for table in made])
    tables = [lay_out(replace(table, notes=_other(table.notes, common))) for table in made]
    board = lay_out(leaderboard.lay_out(cells))
    shown = dict(list(names.items())[: charts.MOST])
    title = " + ".join(dict.fromkeys(cells["dataset"]))
    return {
        "title": title,
        "detectors": len(names),
        "facts": _facts(cells, names),
        "terms": glossary.explain(_headings([board, *tables])),
        "leaderboard": board,
        "sections": [_section(dataset, of, names) for dataset, of in drawn.curves.items()],
        "heat": heat_map(cells, perturbation),
        "robustness": list(draw_robustness(cells, shown)),
        "robustness_legend": charts.styles(list(shown.values())),
        "notes_on_tables": common,
        "tables": tables,
        "galleries": [_gallery(names[key], key, drawn, wishes) for key in drawn.mistakes if wishes.worst],
        "explained": bool(wishes.pictures.explain),
        "audit": audited.describe(wishes.audit, title) if wishes.audit else None,
        "lacks": dict.fromkeys(wishes.pictures.lacks.values()),
        "perturbation": perturbation,
        "provenance": [lay_out(table) for table in provenance.provenance(scored)],
        "made": provenance.made_now(),
        "numbers": _numbers(cells),
    }


def _read(scored: Sequence[Finished], wishes: Wishes) -> _Drawn:
    """Read every cell's rows once, for its curves and its worst images."""
    drawn = _Drawn()
    for one in scored:
        rows = one.store.rows(one.record, COLUMNS)
        drawn.mistakes.setdefault(one.detector, []).extend(worst_of_cell(one, rows, wishes.worst))
        drawn.thresholds.setdefault(one.detector, {})[f"{one.threshold:g}"] = None
        mark_counted(rows, wishes.failed_as, [one.threshold])
        ok = rows[rows["counted"]]
        traced = curves.trace(ok["label"].to_numpy(), ok["score"].to_numpy(float), one.threshold)
        if traced is not None:
            drawn.curves.setdefault(one.dataset, {}).setdefault(one.detector, {})[one.testset] = traced
    return drawn


def _section(
    dataset: str,
    found: Mapping[tuple[str, str], Mapping[str, curves.Curves]],
    names: Mapping[tuple[str, str], str],
) -> Section:
    """Draw one dataset's curves, of detectors on the same test sets, as many as a picture holds."""
    most = max(found.values(), key=len).keys()
    means = {names[key]: curves.mean(list(of.values())) for key, of in found.items() if of.keys() == most}
    best = sorted(means, key=lambda name: -curves.area(means[name]))[: charts.MOST]
    lines = {name: one for name, one in means.items() if name in best}
    words = f"Means over {len(most)} test sets, each counting once." if len(most) > 1 else "One test set."
    if len(lines) < len(found):
        words += f" {len(lines)} of {len(found)} detectors: those with all of these and the largest area."
    every = charts.styles(list(names.values() if len(names) <= charts.MOST else lines))
    looks = {name: every[name] for name in lines}
    return Section(dataset, list(charts.draw(lines, looks)), looks, words)


def _gallery(name: str, detector: tuple[str, str], drawn: _Drawn, wishes: Wishes) -> Gallery:
    """Give each of a detector's worst images its picture."""
    reals, fakes = (
        [(one, wishes.pictures.of(one.dataset, one.path, detector)) for one in several]
        for several in worst(drawn.mistakes[detector], wishes.worst)
    )
    return Gallery(name, " or ".join(drawn.thresholds[detector]), reals, fakes)


def _tables(cells: pd.DataFrame) -> Iterator[Table]:
    """Make every table that has something to show."""
    for kind in TABLES.values():
        with suppress(BenchError):
            yield kind.make(cells)
    yield from table_kinds.added(cells, REGISTRY)


def _common(notes: Sequence[Sequence[str]]) -> list[str]:
    """List the notes that most tables share."""
    counts = Counter(note for several in notes for note in several)
    return [note for note, number in counts.items() if number > len(notes) / 2]


def _other(notes: Iterable[str], common: Sequence[str]) -> tuple[str, ...]:
    """Keep the notes that are a table's own."""
    return tuple(note for note in notes if note not in common)


def _headings(grids: Sequence[Grid]) -> list[str]:
    """List every heading on the page, also of columns that all rows share."""
    heads = [head.text for grid in grids for row in grid.heads for head in row]
    return heads + [name for grid in grids for name, _ in grid.everywhere]


def _facts(cells: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    """Count what the report is about."""
    sets = cells[TESTSET].drop_duplicates()
    return [
        ("Detectors", f"{len(names)}"),
        ("Test sets", f"{len(sets)}"),
        ("Perturbations", f"{cells['perturbation'].nunique()}"),
        ("Scores", f"{cells['ok'].sum():,} of {cells['images'].sum():,}"),
        ("Finished", cells["time"].max()[:10]),
    ]


def _numbers(cells: pd.DataFrame) -> dict[str, Any]:
    """Give every cell's words and numbers in full precision, for programs; None where one is undefined."""
    cells = cells.drop(columns=["mark", "unscored"])  # they are for programs that remember
    single = cells.loc[:, [all(map(_is_single, cells[name])) for name in cells.columns]]
    rows = [[None if value != value else value for value in row] for row in single.to_numpy(object)]
    return {"columns": list(single.columns), "rows": rows}


def _is_single(value: object) -> bool:
    """Say whether something is one word or number, or missing."""
    return value is None or isinstance(value, str | int | float)
