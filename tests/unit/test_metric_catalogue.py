"""A metric is one row: tables, bold marks, glossary, leaderboard and documents know it from there alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stored_cells import LABELS, ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.metrics.counts import Counts
from forenbench.metrics.metric import DecisionMetric, Metric, ProbabilityMetric, RankingMetric
from forenbench.metrics.metric_catalogue import METRICS, register
from forenbench.metrics.metric_values import is_lower_better
from forenbench.metrics.terms import Term
from forenbench.records.store import Store
from forenbench.report import glossary
from forenbench.report.grid import lay_out
from forenbench.tables import leaderboard
from forenbench.tables.rendering import render

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def above_all_reals(drawn: Counts) -> np.ndarray:
    """The share of fakes above the highest real image."""
    return np.array([row[fpr == 0].max() for row, fpr in zip(drawn.found_rate, drawn.fpr, strict=True)])


BURIED = RankingMetric(
    name="buried",
    label="Buried",
    term=Term("Buried", ("buried",), "share of the fakes that a real image outscores"),
    point=lambda ranked: float(1 - ranked.curve.tpr[ranked.curve.fpr == 0].max()),
    replicate=lambda drawn: 1 - above_all_reals(drawn),
    headings={"error-rates": "Buried"},
    lower_is_better=True,
    kept=True,
)
CLEAR = replace(
    BURIED,
    name="clear",
    label="Clear",
    point=lambda ranked: float(ranked.curve.tpr[ranked.curve.fpr == 0].max()),
    replicate=above_all_reals,
    headings={"cells": "Clear"},
    lower_is_better=False,
)


@pytest.fixture
def added() -> Iterator[None]:
    for row in (BURIED, CLEAR):
        register(row)
    yield
    for row in (BURIED, CLEAR):
        del METRICS[row.name]


@pytest.mark.usefixtures("added")
def test_a_new_metric_is_in_tables_bold_marks_glossary_and_leaderboard(tmp_path: Path) -> None:
    """Of one that is better when lower, and of one that is better when higher, the right value is bold."""
    store = Store(tmp_path)
    middling = [0.1, 0.2, 0.15, 0.9]
    for name, scores in {"good": PERFECT, "fair": middling, "poor": [0.1, 0.95, 0.4, 0.9]}.items():
        add(store, name, "t", scores * 20, LABELS * 20)
    for table, heading, poorest in (("error-rates", "Buried", 100), ("cells", "Clear", 0)):
        made = tables.make(table, [store])
        values = made.frame[heading].groupby("detector").first().to_dict()
        assert values == {"good": 100 - poorest, "fair": 50, "poor": poorest}
        assert made.low is not None
        assert made.low.loc[("fair", "sample", "t"), heading] < 50
        rows = [line.rstrip(" \\").split(" & ") for line in render(made, "latex").splitlines()]
        place = next(row for row in rows if heading in row).index(heading)
        marks = {row[0]: row[place] for row in rows if row[0] in values}
        assert "textbf" in marks["good"]
        assert "underline" in marks["fair"]
        (head,) = (head for head in lay_out(made).heads[-1] if head.text == heading)
        assert head.lower == (heading == "Buried")
    add(store, "fair", "reals", [0.1, 0.9], [0, 0], place=1)
    assert tables.make("cells", [store]).frame.loc[("fair", "sample", "reals"), ["Clear"]].isna().all()
    assert dict(glossary.explain(["Buried"])) == {"Buried": BURIED.term.meaning}
    assert leaderboard.standings(tables.measure([store])).set_index("detector")["buried"].to_dict() == {
        "good": 0,
        "fair": 50,
        "poor": 100,
    }


def test_a_metric_that_is_added_later_is_measured_of_finished_cells_too(tmp_path: Path) -> None:
    """Also where metrics were remembered without it; and when it has gone, it is gone from them."""
    store = Store(tmp_path)
    add(store, "d", "t", ONE_WRONG)
    before = tables.measure([store])
    register(BURIED)
    try:
        assert tables.measure([store])["buried"].tolist() == [0.5]
        METRICS["buried"] = replace(BURIED, point=lambda ranked: 0.25)
        assert tables.measure([store])["buried"].tolist() == [0.5]  # nobody said that it is another one
        METRICS["buried"] = replace(BURIED, point=lambda ranked: 0.25, version="2")
        assert tables.measure([store])["buried"].tolist() == [0.25]
    finally:
        del METRICS["buried"]
    after = tables.measure([store])
    assert list(after.columns) == list(before.columns)


def test_what_cannot_be_told_apart_is_refused() -> None:
    for twin in (replace(BURIED, name="ap"), replace(BURIED, headings={"error-rates": "EER"})):
        with pytest.raises(ValueError, match="already"):
            register(twin)
    assert "buried" not in METRICS
    with pytest.raises(ValueError, match="'buried': the highest value ranks first, but the lowest is better"):
        replace(BURIED, ranks="buried fakes")


def test_headings_are_of_tables_that_show_them(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", ONE_WRONG)
    cells = tables.measure([Store(tmp_path)])
    cells = cells.assign(**{row.name: 0.5 for row in METRICS.values()})
    for row in METRICS.values():
        for table, heading in row.headings.items():
            shown = tables.TABLES[table].make(cells).frame[heading].tolist()
            assert shown == [50.0 if row.percent else 0.5]


def test_a_heading_says_the_same_of_what_is_better_wherever_it_stands() -> None:
    for row in METRICS.values():
        assert {is_lower_better(heading) for heading in row.headings.values()} <= {row.lower_is_better}


def test_the_document_lists_every_metric() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").partition("## All of them")[2].splitlines()
    listed = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "| `" in line]
    plain = [row for row in METRICS.values() if not row.by]
    assert listed == [
        [row.label, f"`{row.name}`", spread(row), "lower" if row.lower_is_better else "higher", interval(row)]
        for row in plain
    ]
    prefixes = {f"`{row.by}_`" for row in METRICS.values() if row.by}
    assert all(prefix in "\n".join(lines) for prefix in prefixes)


def spread(row: Metric) -> str:
    low, high = row.bounds
    if np.isinf(high):
        return f"from {low:g}"
    return f"{100 * low:g} to {100 * high:g} %" if row.percent else f"{low:g} to {high:g}"


def interval(row: Metric) -> str:
    assert isinstance(row, RankingMetric | DecisionMetric | ProbabilityMetric)
    return "no" if isinstance(row, ProbabilityMetric) and row.losses is None else "yes"
