"""A run's files of tables: written again when, and only when, they would say something else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench.errors import RunFailed
from forenbench.records.fits import write
from forenbench.records.store import Store
from forenbench.tables import measure
from forenbench.tables.exports import code, export


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    add(store, "d", "a", ONE_WRONG)
    return store


def exported(store: Store) -> dict[str, bytes]:
    """Export, and return what the files hold by their names."""
    return {name: (store.root / name).read_bytes() for name in export(measure([store]), store.root)}


def age(store: Store, names: dict[str, bytes]) -> None:
    """Date files back, so that a new one would be seen."""
    for name in names:
        os.utime(store.root / name, (1, 1))


def ages(store: Store, names: dict[str, bytes]) -> set[float]:
    return {(store.root / name).stat().st_mtime for name in names}


def test_files_that_would_say_the_same_are_left_alone(store: Store) -> None:
    first = exported(store)
    assert {"tables/acc-ap.csv", "tables/acc-ap.md", "leaderboard.csv", "leaderboard.md"} <= set(first)
    age(store, first)
    assert exported(store) == first
    assert ages(store, first) == {1}


@pytest.mark.slow
def test_rows_made_again_make_new_tables(store: Store) -> None:
    first = exported(store)
    add(store, "d", "a", PERFECT)
    second = exported(store)
    assert first["tables/cells.csv"] != second["tables/cells.csv"]
    assert b"50.0" in first["tables/cells.csv"]
    assert b"50.0" not in second["tables/cells.csv"]


@pytest.mark.slow
def test_a_cell_more_or_less_makes_new_tables(store: Store) -> None:
    first = exported(store)
    add(store, "d", "b", PERFECT, place=1)
    assert exported(store)["tables/acc-ap.csv"] != first["tables/acc-ap.csv"]
    for file in store.root.glob("scores/*/b/*/*"):
        file.unlink()
    assert exported(store) == first


@pytest.mark.parametrize(
    "change", [Path.unlink, lambda path: path.write_text("x")], ids=["removed", "changed by hand"]
)
@pytest.mark.parametrize("name", ["tables/acc-ap.csv", "leaderboard.md", "tables/made_from.json"])
def test_what_was_changed_or_removed_is_written_again(
    store: Store, change: Callable[[Path], object], name: str
) -> None:
    first = exported(store)
    change(store.root / name)
    assert exported(store) == first


def test_a_table_with_nothing_to_say_is_not_written(store: Store) -> None:
    assert "tables/equalised.csv" not in exported(store)
    add(store, "d", "a", PERFECT, perturbation="jpeg:96", place=1)
    assert "tables/equalised.csv" in exported(store)


def test_other_code_anywhere_makes_new_tables() -> None:
    """Ranks rest on the tests of `comparison`, which no mark of a cell knows of."""
    parts = {file.parts[-2:] for file in code()}
    assert {
        ("metrics", "comparison.py"),
        ("tables", "leaderboard.py"),
        ("records", "store.py"),
    } <= parts


@pytest.mark.parametrize(
    "name", ["tables/acc-ap.csv", "leaderboard.csv", "leaderboard.md", "tables/made_from.json"]
)
def test_a_file_that_cannot_be_replaced_is_named_with_the_way_out(store: Store, name: str) -> None:
    """As where a spreadsheet has it open on Windows; here a folder is in its place."""
    (store.root / name / "something").mkdir(parents=True)
    with pytest.raises(RunFailed, match=f"{re.escape(Path(name).name)}.*the same command goes on from there"):
        export(measure([store]), store.root)


def test_fits_that_cannot_be_replaced_are_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "fits.json" / "something").mkdir(parents=True)
    with pytest.raises(RunFailed, match=r"fits\.json.*the same command goes on from there"):
        write(tmp_path, {})
