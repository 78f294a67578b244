"""A cell is done or not there: names never collide, nothing is deleted, half files never count."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forenbench.store import COLUMNS, Store, file_name
from forenbench.types import Cell

CELL = Cell("univfd:nn-k9", "sample", "vae", "jpeg:75+blur:1.0")
MADE = {"time": "2026-01-01T00:00:00+00:00", "position": [0, 0, 0, 0]}


def rows(*statuses: str, score: float = 0.5) -> pd.DataFrame:
    values = dict.fromkeys(COLUMNS, "x") | {"label": 1, "score": score, "logit": 0.0}
    return pd.DataFrame([values | {"status": status} for status in statuses])


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    store, written = Store(tmp_path), rows("ok", "unreadable")
    store.write(CELL, [written], {"seed": 0}, MADE)
    (record,) = store.records()
    assert record["counts"] == {"ok": 1, "unreadable": 1, "failed": 0, "nonfinite": 0}
    pd.testing.assert_frame_equal(store.rows(record), written[list(COLUMNS)], check_dtype=False)


def test_text_that_older_rows_lack_is_empty(tmp_path: Path) -> None:
    store, written = Store(tmp_path), rows("ok")
    store.write(CELL, [written], {}, MADE)
    (file,) = tmp_path.glob("scores/**/*.parquet")
    pd.read_parquet(file).drop(columns="origin").to_parquet(file)
    (record,) = store.records()
    assert store.rows(record)["origin"].tolist() == [""]
    assert store.rows(record, ["origin", "path"]).to_dict("list") == {"origin": [""], "path": ["x"]}
    assert store.rows(record, ["origin"]).to_dict("list") == {"origin": [""]}


def test_done_means_equal_identity_and_nothing_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.is_done(CELL, {"seed": 0})
    store.write(CELL, [rows("ok")], {"seed": 0}, MADE)
    assert store.is_done(CELL, {"seed": 0})
    assert not store.is_done(CELL, {"seed": 1})
    store.write(CELL, [rows("ok", "failed")], {"seed": 0}, MADE)
    assert not store.is_done(CELL, {"seed": 0})


def test_rows_of_another_identity_are_kept_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok", score=0.25)], {"seed": 0}, MADE)
    store.write(CELL, [rows("ok", score=0.75)], {"seed": 1}, MADE)
    (kept,) = tmp_path.glob("superseded/**/*.parquet")
    assert pd.read_parquet(kept)["score"].tolist() == [0.25]
    assert store.rows(store.records()[0])["score"].tolist() == [0.75]


def test_rows_without_their_record_do_not_count(tmp_path: Path) -> None:
    """What a kill between the two files leaves."""
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], {"seed": 0}, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    record.unlink()
    assert not store.is_done(CELL, {"seed": 0})
    assert store.records() == []


@pytest.mark.parametrize("left", ["", "{"])
def test_a_record_that_a_power_cut_left_unfinished_does_not_count(tmp_path: Path, left: str) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], {"seed": 0}, MADE)
    (record,) = tmp_path.glob("scores/**/*.json")
    record.write_text(left)
    assert not store.is_done(CELL, {"seed": 0})
    assert store.records() == []
    store.write(CELL, [rows("ok")], {"seed": 0}, MADE)
    assert store.is_done(CELL, {"seed": 0})


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(CELL, [rows("ok")], {"seed": 0}, MADE)
    with pytest.raises(KeyError):
        store.write(CELL, [rows("ok").drop(columns="label")], {"seed": 0}, MADE)
    assert list(tmp_path.glob("**/*.part")) == []
    assert not store.is_done(CELL, {"seed": 0})


@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True))
def test_file_names_never_collide_and_hold_no_separator(names: list[str]) -> None:
    first, second = (file_name(name) for name in names)
    assert first != second
    assert not {"/", "\\", ":", "\0"} & set(first)
    assert first not in (".", "..")
    assert not first.startswith(".")


def test_file_names_are_readable() -> None:
    assert file_name("univfd:nn-k9") == "univfd=nn-k9"
    assert file_name("jpeg:75+blur:1.0") == "jpeg=75+blur=1.0"
