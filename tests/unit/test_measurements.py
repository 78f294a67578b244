"""Metrics remembered in the run folder: read again when, and only when, what they rest on has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench.records.store import Store
from forenbench.tables import measure


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_what_was_measured_is_not_read_again(store: Store) -> None:
    add(store, "d", "a", ONE_WRONG, classes=["x", "y", "x", "y"])
    whole, by_class = measure([store]), measure([store], by_class=True)
    (rows,) = store.root.glob("scores/**/*.parquet")
    size, time = rows.stat().st_size, rows.stat().st_mtime_ns
    rows.write_bytes(b"?" * size)
    os.utime(rows, ns=(time, time))
    assert_frame_equal(measure([store]), whole)
    assert_frame_equal(measure([store], by_class=True), by_class)


def test_rows_that_were_made_again_are_measured_again(store: Store) -> None:
    add(store, "d", "a", ONE_WRONG)
    assert measure([store])["acc"].tolist() == [0.5]
    add(store, "d", "a", PERFECT)
    assert measure([store])["acc"].tolist() == [1.0]


def test_undefined_values_are_remembered_as_undefined(store: Store) -> None:
    add(store, "d", "a", [0.1, 0.2], [0, 0])
    for _ in range(2):
        (line,) = measure([store]).to_dict("records")
        assert line["ap"] != line["ap"]
        assert line["undefined"] == "no fake images"


@pytest.mark.parametrize("content", ["", "{", json.dumps({"x": 1})])
def test_a_damaged_memory_is_no_harm(store: Store, content: str) -> None:
    add(store, "d", "a", PERFECT)
    (store.root / "measured.arrows").write_text(content)
    assert measure([store])["acc"].tolist() == [1.0]
