"""The frame that tables are made of is what it is documented to be, and its keys are written once."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pandas as pd
import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.metrics.metric_catalogue import METRICS
from forenbench.records.store import Store
from forenbench.tables import cell_frame
from forenbench.tables.cell_frame import COLUMNS, WHOLE, as_dicts, framed, grouped, labels_of
from forenbench.tables.table import Table

ROOMS = [Path(__file__).parents[2] / "benchmark" / room for room in ("tables", "report")]
KEYS = {name: value for name, value in vars(cell_frame).items() if name.isupper() and isinstance(value, list)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    add(store, "d", "t", PERFECT * 5, [0, 0, 1, 1] * 5, classes=["cat", "dog"] * 10)
    add(store, "d", "u", ONE_WRONG, status="failed", place=1)
    return store


@pytest.mark.parametrize("by_class", [False, True])
def test_measured_cells_have_the_columns_and_types_that_are_documented(store: Store, by_class: bool) -> None:
    frame = tables.measure([store], by_class=by_class)
    documented = COLUMNS if by_class else COLUMNS | WHOLE
    metrics = {f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")}
    assert set(frame.columns) - metrics == set(documented)
    assert {row.name for row in METRICS.values() if not row.by} <= set(frame.columns)
    for name, (kind, _) in documented.items():
        wanted = pd.Series(["text"]).dtype if kind == "str" else kind
        assert frame[name].dtype == wanted, name
    assert set(frame[[name for name in frame if name in metrics]].dtypes) == {pd.Series([0.5]).dtype}


def test_every_table_is_a_function_from_cells_to_a_table(store: Store) -> None:
    for perturbation in ("jpeg:96", "fake=jpeg:96"):
        add(store, "d", "t", PERFECT, perturbation=perturbation)
    add(store, "d", "progan", PERFECT, dataset="forensynths")
    measured = tables.measure([store])
    # windows need eight dated generators of one dataset (see test_timeline.py)
    for name, maker in tables.TABLES.items() - {("windows", tables.TABLES["windows"])}:
        made = maker.make(measured.assign(protocol="dda") if name == "protocol" else measured)
        assert isinstance(made, Table)
        assert made.name == name
        assert maker.description


def test_keys_of_cells_are_written_once() -> None:
    """Also in another order: who needs one imports it."""
    known = {frozenset(key): name for name, key in KEYS.items()}
    assert len(known) == len(KEYS)
    found = [
        f"{path.name}:{node.lineno} is {known[frozenset(texts)]}"
        for room in ROOMS
        for path in room.glob("*.py")
        if path.name != "cell_frame.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.List | ast.Tuple)
        if frozenset(texts := [getattr(one, "value", "") for one in node.elts if _is_text(one)]) in known
        if len(texts) == len(node.elts)
    ]
    assert found == []


def test_a_cell_as_a_dict_has_values_that_json_takes(store: Store) -> None:
    cells = tables.measure([store])
    lines = as_dicts(cells, [name for name in cells if name != "replicates"])
    assert [line["testset"] for line in lines] == ["t", "u"]
    assert json.loads(json.dumps(lines))[0]["images"] == 20
    assert as_dicts(cells, ["ok"]) == [{"ok": 20}, {"ok": 3}]


def test_groups_stand_in_the_order_in_which_they_appear() -> None:
    cells = [{"name": name, "at": at} for at, name in enumerate("bab")]
    groups = grouped(cells, ["name"])
    assert [(name, [cell["at"] for cell in group]) for name, group in groups.items()] == [
        (("b",), [0, 2]),
        (("a",), [1]),
    ]


def test_entries_are_parted_into_frames_of_one_shape() -> None:
    columns = {("g", "x"): [(1, "*"), (2, "")], ("g", "y"): [(0.5, ""), (1.5, "†")]}
    values, signs = framed(columns, [("a", "own"), ("b", "own")], ["detector", "weights"], "group", "metric")
    assert values.loc[("b", "own"), ("g", "y")] == 1.5
    assert signs.loc[("b", "own"), ("g", "y")] == "†"
    assert values.dtypes.tolist() == ["int64", "float64"]
    assert list(signs.columns.names) == ["group", "metric"]


def test_labels_of_one_level_are_a_plain_index() -> None:
    one, two = labels_of([["a", "b"]], ["name"]), labels_of([["a", "b"], pd.Index([1, 2])], [None, "number"])
    assert (one.tolist(), one.names, one.nlevels) == (["a", "b"], ["name"], 1)
    assert not isinstance(one, pd.MultiIndex)
    assert (two.tolist(), two.names) == ([("a", 1), ("b", 2)], [None, "number"])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
