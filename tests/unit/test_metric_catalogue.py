"""A metric is one row: tables, bold marks, glossary, leaderboard and documents know it from there alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stored_cells import LABELS, ONE_WRONG, PERFECT, add

from forenbench import registry, tables
from forenbench.errors import BenchError
from forenbench.metrics.added_metrics import flaw, of_packages
from forenbench.metrics.counts import Counts
from forenbench.metrics.file_metrics import add_file
from forenbench.metrics.metric import DecisionMetric, Metric, ProbabilityMetric, RankingMetric
from forenbench.metrics.metric_catalogue import METRICS, register
from forenbench.metrics.metric_values import is_lower_better
from forenbench.metrics.terms import Term
from forenbench.records.store import Store
from forenbench.report import glossary
from forenbench.report.grid import lay_out
from forenbench.tables import leaderboard
from forenbench.tables.cell_frame import COLUMNS, WHOLE
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


PLANTED = """
import sys
import numpy as np
from forenbench.metrics.metric import RankingMetric
from forenbench.metrics.terms import Term

def value(ranked):
    {value}

def replicates(drawn):
    {replicates}

MINE = RankingMetric(
    name="planted",
    label="Planted",
    term=Term("Planted", ("planted",), "a test"),
    point=value,
    replicate=replicates,
    headings={{"cells": "Planted"}},
    kept=True,
)
"""
FAULTS = [
    ("raise KeyError('x')", "KeyError: 'x'"),
    ("sys.exit(3)", "ProcessExit: sys.exit(3) was called"),
    ("return 'high'", "TypeError: it returned 'high', not a number"),
    ("return np.zeros(3)", "TypeError: it returned array([0., 0., 0.]), not a number"),
    ("return None", "TypeError: it returned None, not a number"),
    ("return float('nan')", "it returned NaN"),
    ("return 1e300", "ValueError: it returned 1e+300, not from 0 to 1"),
    ("return float('inf')", "ValueError: it returned inf, not from 0 to 1"),
]
"""What a metric does, and what is said of it."""


def plant(
    folder: Path, value: str = "return 0.5", replicates: str = "return np.full(len(drawn.real), 0.5)"
) -> str:
    file = folder / "planted.py"
    file.write_text(PLANTED.format(value=value, replicates=replicates))
    return str(file)


def two_cells(folder: Path) -> Store:
    store = Store(folder / "run")
    add(store, "d", "t", ONE_WRONG * 10, LABELS * 10)
    add(store, "e", "t", PERFECT * 10, LABELS * 10)
    return store


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize(("value", "reason"), FAULTS)
def test_a_metric_that_fails_is_an_empty_cell_with_a_note_that_says_why(
    tmp_path: Path, value: str, reason: str
) -> None:
    store = two_cells(tmp_path)
    before = tables.make("cells", [store])
    file = plant(tmp_path, value)
    add_file(file)
    made = tables.make("cells", [store])
    assert made.frame["Planted"].isna().all()
    pd.testing.assert_frame_equal(made.frame.drop(columns="Planted"), before.frame)
    note = f"Metric 'planted' of file {file} has no value in 2 of 2 cells: {reason}."
    assert note in made.notes
    board = leaderboard.lay_out(tables.measure([store]))
    assert board.frame["planted"].isna().all()
    assert note in board.notes
    assert note in " ".join(render(made, "text").split("\n"))
    assert note in tables.make("cells", [store]).notes  # as remembered, too


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize(
    ("replicates", "reason"),
    [
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("return 'many'", "ValueError: could not convert string to float: 'many'"),
        ("return np.zeros((2, 2))", "ValueError: it returned an array of shape (2, 2), not (250,)"),
    ],
)
def test_a_metric_whose_resamples_fail_has_a_value_and_no_interval(
    tmp_path: Path, replicates: str, reason: str
) -> None:
    store = two_cells(tmp_path)
    file = plant(tmp_path, replicates=replicates)
    add_file(file)
    made = tables.make("cells", [store])
    assert made.frame["Planted"].tolist() == [50.0, 50.0]
    assert made.low is not None
    assert made.low["Planted"].isna().all()
    assert f"Metric 'planted' of file {file} has no interval in 2 of 2 cells: {reason}." in made.notes


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_of_a_package_whose_losses_fail_is_named_with_its_package(tmp_path: Path) -> None:
    register(
        ProbabilityMetric(
            name="lossy",
            label="Lossy",
            term=BURIED.term,
            point=lambda images: float(images.values.mean()),
            losses=lambda images: images.values[:1],
            headings={"calibration": "Lossy"},
            origin="package planted",
        )
    )
    made = tables.make("calibration", [two_cells(tmp_path)])
    assert made.frame["Lossy"].tolist() == pytest.approx([50.0, 50.0])
    assert made.low is not None
    assert made.low["Lossy"].isna().all()
    assert (
        "Metric 'lossy' of package planted has no interval in 2 of 2 cells: "
        "ValueError: it returned an array of shape (1,), not (40,)."
    ) in made.notes


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_that_changes_what_it_is_given_changes_no_other(tmp_path: Path) -> None:
    store = two_cells(tmp_path)
    before = tables.make("cells", [store])
    add_file(
        plant(
            tmp_path,
            "ranked.true_positives[:] = 0; ranked.curve.tpr[:] = 0; return 0.5",
            "drawn.false_positives[:] = drawn.true_positives[:] = 0; return np.full(len(drawn.real), 0.5)",
        )
    )
    made = tables.make("cells", [store])
    pd.testing.assert_frame_equal(made.frame.drop(columns="Planted"), before.frame)
    assert before.low is not None
    assert made.low is not None
    pd.testing.assert_frame_equal(made.low.drop(columns="Planted"), before.low)


@pytest.mark.usefixtures("_own_metrics")
def test_a_metric_that_cannot_say_why_it_has_no_interval_has_none(tmp_path: Path) -> None:
    add_file(
        plant(tmp_path, "return 0.5", "return np.random.default_rng(0).uniform(0.4, 0.6, len(drawn.real))")
    )
    broken = replace(METRICS["planted"], withheld=lambda measured, prefix: measured["nothing"])
    METRICS["planted"] = broken
    made = tables.make("cells", [two_cells(tmp_path)])
    assert made.low is not None
    assert made.low["Planted"].isna().all()
    assert any("Planted whose `withheld` cannot say" in note for note in made.notes)


@pytest.mark.usefixtures("_own_metrics")
def test_an_edited_file_is_another_metric(tmp_path: Path) -> None:
    store = two_cells(tmp_path)
    for value in ("0.5", "0.25"):
        add_file(plant(tmp_path, f"return {value}"))
        assert tables.measure([store])["planted"].tolist() == [float(value)] * 2


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize(
    ("text", "changed", "reason"),
    [
        ('name="planted"', 'name="acc"', "there is a metric 'acc', or one under its heading, already"),
        ('"cells": "Planted"', '"cells": "AUROC"', "one under its heading, already"),
        ("MINE = RankingMetric", "MINE = dict", "defines no metrics; it must define one"),
        ("import sys", "import not_there", "does not import: ModuleNotFoundError"),
        (
            "kept=True",
            "bounds=(1.0, 0.0)",
            "must define one (MINE has bounds (1.0, 0.0): the lower",
        ),
        ("kept=True", "bounds=1.0", "must define one (MINE cannot be looked at: TypeError"),
    ],
)
def test_a_file_that_adds_no_metric_is_refused(tmp_path: Path, text: str, changed: str, reason: str) -> None:
    file = Path(plant(tmp_path))
    file.write_text(file.read_text().replace(text, changed))
    with pytest.raises(BenchError, match=re.escape(reason)):
        add_file(str(file))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        *(
            ("name", name, "which is that of another column")
            for name in [*COLUMNS, *WHOLE, "ap_low", "rank", "worst"]
        ),
        ("name", "Big Name", "use small letters"),
        ("label", 3, "not texts"),
        ("headings", {"cells": 3}, "not texts"),
        ("term", Term("Buried", (3,), "a test"), "not texts"),  # type: ignore[arg-type]
        ("by", "me", "is by 'me'"),
        ("bounds", (1.0, 0.0), "the lower one first"),
        ("point", 0.5, "has a point that cannot be called"),
    ],
)
def test_a_row_that_tables_could_not_show_is_refused(field: str, value: object, reason: str) -> None:
    assert flaw(BURIED) == ""
    assert reason in flaw(replace(BURIED, **{field: value}))  # type: ignore[arg-type]


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


@pytest.mark.usefixtures("_own_metrics")
@pytest.mark.parametrize(("field", "value"), [("headings", ["cells"]), ("term", ("Buried",)), ("bounds", 1)])
def test_what_is_no_row_at_all_is_a_problem_of_its_package(
    field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("buried", "nowhere:BURIED", "forenbench.metrics")
    monkeypatch.setattr(EntryPoint, "load", lambda self: replace(BURIED, **{field: value}))
    monkeypatch.setattr(registry, "entries_of", lambda group: [point] if group == point.group else [])
    (found,) = of_packages(register)
    assert found.problem
    assert "buried" not in METRICS
