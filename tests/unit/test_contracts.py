"""The contracts of what can be added find what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from forenbench import registry
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.scoring.engines import EngineRequest
from forenbench.scoring.engines.local import LocalEngine
from forenbench.scoring.numerics import Numerics
from forenbench.testing.contracts import check_engine, check_metric, check_perturbation, check_table

PERTURBATION = """
import random
from forenbench.perturbations.kinds import Kind
from PIL import Image

MINE = Kind("mine", lambda image: {made}, "a test")
"""
TABLE = """
from forenbench.tables.table import Table
from forenbench.tables.table_kinds import TableKind

def lay_out(cells):
    {first}
    return Table("mine", "A test", cells[["auroc"]], ())

MINE = TableKind("mine", "a test", lay_out)
"""


METRIC = """
from forenbench.metrics.metric import DecisionMetric
from forenbench.metrics.terms import Term

MINE = DecisionMetric(
    name="mine",
    label="Mine",
    term=Term("Mine", ("mine",), "a test"),
    judge=lambda made: {judge},
    headings={{"cells": "Mine"}},
)
"""


@pytest.mark.parametrize(
    ("made", "failing"),
    [
        ("image", []),
        ("image.crop((0, 0, 2, 2)).convert('L')", ["every size", "the same image", "another process"]),
        ("image.resize((9, image.height // 2))", ["every size"]),
        ("Image.new('RGB', image.size, random.randrange(1 << 24))", ["the same image", "another process"]),
    ],
)
def test_a_perturbation_is_held_to_its_contract(tmp_path: Path, made: str, failing: list[str]) -> None:
    (tmp_path / "mine.py").write_text(PERTURBATION.format(made=made))
    found = [one.check for one in check_perturbation(str(tmp_path / "mine.py")) if one.problem]
    assert [check.startswith(start) for check, start in zip(found, failing, strict=True)] == [True] * len(
        found
    )


@pytest.mark.parametrize(
    ("first", "failing"),
    [
        ("pass", []),
        ("cells['auroc'] = 0.0", ["the cells are left untouched"]),
        ("cells['auroc'].iloc[1]", ["it can be made of a single cell"]),
    ],
)
def test_a_table_is_held_to_its_contract(tmp_path: Path, first: str, failing: list[str]) -> None:
    (tmp_path / "mine.py").write_text(TABLE.format(first=first))
    assert [one.check for one in check_table(str(tmp_path / "mine.py")) if one.problem] == failing


@pytest.mark.parametrize(
    ("judge", "failing"),
    [
        ("made.false_positives / made.reals", []),
        ("made.false_positives", ["every cell has a value"]),
        ("made.reals.missing", ["every cell has a value"]),
        ("[0.5]", ["every cell has a value"]),
    ],
)
def test_a_metric_is_held_to_its_contract(tmp_path: Path, judge: str, failing: list[str]) -> None:
    (tmp_path / "mine.py").write_text(METRIC.format(judge=judge))
    before = dict(METRICS)
    try:
        found = [one.check for one in check_metric(str(tmp_path / "mine.py")) if one.problem]
    finally:
        METRICS.clear()
        METRICS.update(before)
    assert [check.startswith(start) for check, start in zip(found, failing, strict=True)] == [True] * len(
        found
    )


def test_a_metric_that_cannot_be_added_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(METRIC.format(judge="0.5").replace('"mine"', '"acc"'))
    (only,) = check_metric(str(tmp_path / "mine.py"))
    assert "there is a metric 'acc'" in only.problem
    (only,) = check_metric("not-there")
    assert "unknown metric of packages 'not-there'" in only.problem


class Rounding(LocalEngine):
    """Loses what is behind the third decimal."""

    def score(self, *given: Any) -> Iterator[Any]:  # type: ignore[override]  # noqa: ANN401
        for shard, results in super().score(*given):
            for rows in results.values():
                for one in rows:
                    object.__setattr__(one, "score", round(one.score, 3))
            yield shard, results


@contextmanager
def rounding(request: EngineRequest) -> Iterator[Rounding]:
    yield Rounding(Numerics("cpu", request.precision))


def test_an_engine_whose_scores_are_not_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("rounding", f"{__name__}:rounding", "forenbench.engines")
    monkeypatch.setattr(EntryPoint, "load", lambda self: rounding)
    monkeypatch.setattr(registry, "entries_of", lambda group: [point] if group == point.group else [])
    assert [one.problem[:13] for one in check_engine("rounding")] == ["other rows in"]
    assert [one.problem for one in check_engine("local")] == [""]
