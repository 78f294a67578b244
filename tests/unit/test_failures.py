"""Why images have no score: counted by reason, or row by row; and what of it ends a run's talk."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from stored_cells import PERFECT, add

from forenbench.cli import main
from forenbench.front.failures import failures
from forenbench.front.telling import describe_problems
from forenbench.records.store import Store
from forenbench.scoring.outcome import Summary


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "my run")
    add(store, "good", "a", PERFECT)
    add(store, "bad", "a", PERFECT, status="failed", lost=1)
    add(store, "bad", "b", PERFECT, status="failed", lost=[1, 3])
    add(store, "bad", "c", PERFECT, status="unreadable", lost=1, paths=["=c/0", "c/1", "c/2", "c/3"])
    return store


def test_reasons_are_counted_over_cells_and_the_commonest_comes_first(store: Store) -> None:
    rows = failures([store])
    assert list(rows) == ["images", "detector", "weights", "status", "error", "path"]
    assert rows[["images", "detector", "status", "path"]].to_numpy().tolist() == [
        [3, "bad", "failed", "a/0"],
        [1, "bad", "unreadable", "=c/0"],
    ]


def test_every_row_is_there_with_its_cell(store: Store) -> None:
    rows = failures([store], every=True)
    assert list(zip(rows["testset"], rows["path"], strict=True)) == [
        ("a", "a/0"), ("b", "b/1"), ("b", "b/3"), ("c", "=c/0"),
    ]  # fmt: skip
    assert set(rows["dataset"]) == {"data"}
    assert set(rows["weights"]) == {"sample"}


@pytest.mark.parametrize("every", [False, True])
def test_where_all_is_scored_there_are_no_rows_but_the_columns(tmp_path: Path, every: bool) -> None:
    add(Store(tmp_path), "good", "a", PERFECT)
    rows = failures([Store(tmp_path)], every=every)
    assert len(rows) == 0
    assert {"detector", "status", "error", "path"} <= set(rows)


def shown(*words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "show", "errors", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code


def test_programs_get_json_and_csv_that_no_spreadsheet_computes(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(str(store.root), "--format", "json", monkeypatch=monkeypatch)
    assert [one["images"] for one in json.loads(capsys.readouterr().out)["errors"]] == [3, 1]
    shown(str(store.root), "--format", "csv", monkeypatch=monkeypatch)
    assert "1,bad,sample,unreadable,,'=c/0" in capsys.readouterr().out.splitlines()
    shown(str(store.root), monkeypatch=monkeypatch)
    assert "unreadable" in capsys.readouterr().out


def test_a_run_ends_with_the_cells_that_lack_most_and_the_command_that_shows_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path("my run"))
    for number in range(10):
        lost = [0, 1] if number == 9 else 1
        add(store, "bad", f"t{number}", PERFECT, status="failed", lost=lost)
    problems = {one.cell: one.counts for one in store.records()}
    said: list[str] = []
    describe_problems(Summary(problems=problems), store, lambda message, style="": said.append(message))
    assert "'bench show errors 'my run''" in said[0]
    assert said[1] == "  of 10 cells the 8 that lack most:"
    assert said[2] == "  bad on data/t9 (none): 2 failed"
    assert len(said) == 2 + 2 * 8
