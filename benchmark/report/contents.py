"""What a report holds: tables, curves, mistakes and provenance of some runs, ready to be set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from forenbench.errors import BenchError
from forenbench.records.coverage import APART, MISSING, judged, mark_counted
from forenbench.records.finished import Finished, newest
from forenbench.records.store import Store
from forenbench.tables import leaderboard, table_kinds
from forenbench.tables.cell_frame import TESTSET, as_dicts, in_order, one_protocol
from forenbench.tables.makers import REGISTRY, TABLES
from forenbench.tables.measured import measure
from forenbench.tables.notes import left_out

from . import audited, carded, charts, curves, described_sets, glossary, provenance, suite_boards
from .charts import Chart, Style
from .chosen import name_detectors, plainest
from .grid import Grid, lay_out
from .heat import heat_map
from .levels import draw_robustness
from .mistakes import COLUMNS, Mistake, worst, worst_of_cell

if TYPE_CHECKING:
    import pandas as pd

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
        tampered_as: What tampered images count as, one of `forenbench.records.coverage.TAMPERED_AS`.
    """

    pictures: Thumbnails
    worst: int = 4
    protocol: str | None = None
    audit: Audit | None = None
    failed_as: str = MISSING
    tampered_as: str = APART


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


def collect(stores: Sequence[Store], wishes: Wishes) -> dict[str, Any]:
    """Collect what the template sets, from one or more runs.

    Raises:
        BenchError: No finished cell, or none under the protocol.
    """
    every = measure(stores, failed_as=wishes.failed_as, tampered_as=wishes.tampered_as)
    cells = one_protocol(every, wishes.protocol)
    scored = [one for one in newest(stores) if one.protocol == cells["protocol"].iloc[0]]
    names = name_detectors(one.detector for one in scored)
    perturbation = plainest(list(dict.fromkeys(cells["perturbation"])))
    sections, galleries = _of_rows([one for one in scored if one.perturbation == perturbation], names, wishes)
    tables, common = _tables(cells)
    board = lay_out(leaderboard.lay_out(cells))
    heads = [head.text for grid in (board, *tables) for row in grid.heads for head in row]
    heads += [name for grid in (board, *tables) for name, _ in grid.everywhere]
    shown = dict(list(names.items())[: charts.MOST])
    title = " + ".join(dict.fromkeys(cells["dataset"]))
    return {
        "title": title,
        "detectors": len(names),
        "facts": [
            ("Detectors", f"{len(names)}"),
            ("Test sets", f"{len(in_order(cells, TESTSET))}"),
            ("Perturbations", f"{cells['perturbation'].nunique()}"),
            ("Scores", f"{cells['ok'].sum():,} of {cells['images'].sum():,}"),
            ("Finished", cells["time"].max()[:10]),
        ],
        "terms": glossary.explain(heads),
        "leaderboard": board,
        "notes_on_tables": common,
        "tables": tables,
        "sections": sections,
        "heat": heat_map(cells, perturbation),
        "robustness": list(draw_robustness(cells, shown)),
        "robustness_legend": charts.styles(list(shown.values())),
        "galleries": galleries,
        "explained": bool(wishes.pictures.explain),
        "audit": audited.describe(wishes.audit, title) if wishes.audit else None,
        "lacks": dict.fromkeys(wishes.pictures.lacks.values()),
        "perturbation": perturbation,
        "suites": list(suite_boards.suite_boards(cells, perturbation)),
        "partial_suites": suite_boards.partial_suites(cells, perturbation),
        "cards": carded.describe(
            names, {one.detector: one.record.identity.detector_version for one in scored}
        ),
        "described_sets": described_sets.describe(cells),
        "provenance": [lay_out(table) for table in provenance.provenance(scored)],
        "made": provenance.made_now(),
        "numbers": _numbers(cells),
        "left_out": list(left_out(every, cells)),
    }


def _tables(cells: pd.DataFrame) -> tuple[list[Grid], list[str]]:
    """Lay out every table that has something to show; return also the notes that most of them share."""
    made = []
    for kind in TABLES.values():
        with suppress(BenchError):  # no cell is equalised, say
            made.append(kind.make(cells))
    made += table_kinds.added(cells, REGISTRY)
    counts = Counter(note for table in made for note in table.notes)
    common = [note for note, number in counts.items() if number > len(made) / 2]
    own = [tuple(note for note in table.notes if note not in common) for table in made]
    return [lay_out(replace(table, notes=notes)) for table, notes in zip(made, own, strict=True)], common


def _of_rows(
    scored: Sequence[Finished], names: Mapping[tuple[str, str], str], wishes: Wishes
) -> tuple[list[Section], list[Gallery]]:
    """Draw the curves of each dataset, and pick the worst images of each detector.

    Args:
        scored: Cells of one perturbation; the rows of each are read once, for both.
        names: What the page calls detectors.
        wishes: What it is to hold.
    """
    traced: dict[str, dict[tuple[str, str], dict[str, curves.Curves]]] = {}
    mistakes: dict[tuple[str, str], list[Mistake]] = {}
    thresholds: dict[tuple[str, str], dict[str, None]] = {}
    for one in scored:
        rows = judged(one.store.rows(one.record, COLUMNS), wishes.tampered_as)
        mistakes.setdefault(one.detector, []).extend(worst_of_cell(one, rows, wishes.worst))
        thresholds.setdefault(one.detector, {})[f"{one.threshold:g}"] = None
        # After the mistakes: an image without a score gets one here where it counts as an error.
        mark_counted(rows, wishes.failed_as, [one.threshold])
        ok = rows[rows["counted"]]
        found = curves.trace(ok["label"].to_numpy(), ok["score"].to_numpy(float), one.threshold)
        if found is not None:
            traced.setdefault(one.dataset, {}).setdefault(one.detector, {})[one.testset] = found
    galleries = []
    for detector, several in mistakes.items() if wishes.worst else ():
        reals, fakes = (
            [(one, wishes.pictures.of(one.dataset, one.path, detector)) for one in some]
            for some in worst(several, wishes.worst)
        )
        galleries.append(Gallery(names[detector], " or ".join(thresholds[detector]), reals, fakes))
    return [_section(dataset, of, names) for dataset, of in traced.items()], galleries


def _section(
    dataset: str,
    found: Mapping[tuple[str, str], Mapping[str, curves.Curves]],
    names: Mapping[tuple[str, str], str],
) -> Section:
    """Draw one dataset's curves, of detectors on the same test sets, as many as a picture holds."""
    # Curves over other test sets would look better or worse for what they lack.
    most = max(found.values(), key=len).keys()
    means = {names[key]: curves.mean(list(of.values())) for key, of in found.items() if of.keys() == most}
    best = sorted(means, key=lambda name: -curves.area(means[name]))[: charts.MOST]
    lines = {name: one for name, one in means.items() if name in best}
    words = f"Means over {len(most)} test sets, each counting once." if len(most) > 1 else "One test set."
    if len(lines) < len(found):
        words += f" {len(lines)} of {len(found)} detectors: those with all of these and the largest area."
    # A detector looks the same in every section, as long as there are looks enough for all of them.
    every = charts.styles(list(names.values() if len(names) <= charts.MOST else lines))
    looks = {name: every[name] for name in lines}
    return Section(dataset, charts.draw(lines, looks), looks, words)


def _numbers(cells: pd.DataFrame) -> dict[str, Any]:
    """Give every cell's words and numbers in full precision, for programs; None where one is undefined."""
    lines = as_dicts(cells)
    columns = [
        name
        for name in map(str, cells.drop(columns=["mark", "unscored"]))  # these are for programs that remember
        if all(isinstance(line[name], str | int | float | None) for line in lines)
    ]
    # JSON has no NaN, and browsers refuse a text that has.
    rows = [[None if (value := line[name]) != value else value for name in columns] for line in lines]
    return {"columns": columns, "rows": rows}
