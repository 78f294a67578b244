"""Tables of files and packages: what they make is looked at, and what goes wrong is theirs by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest

from forenbench import registry
from forenbench.errors import BenchError
from forenbench.tables import find_table
from forenbench.tables.papers import paper_tables

MINE = """
import pandas as pd
from forenbench.tables.table import Table
from forenbench.tables.table_kinds import TableKind

def lay_out(cells):
    return Table("other", "A test", pd.DataFrame({"cells": [len(cells)]}), ())

MINE = TableKind("mine", "a test", lay_out)
"""
CELLS = pd.DataFrame({"auroc": [0.5, 0.7]})


def write(folder: Path, text: str = MINE) -> str:
    (folder / "mine.py").write_text(text)
    return str(folder / "mine.py")


def test_a_file_makes_a_table_under_the_name_it_states(tmp_path: Path) -> None:
    table = find_table(write(tmp_path)).make(CELLS)
    assert (table.name, table.frame.to_dict("list")) == ("mine", {"cells": [2]})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return Table", "return 1 / 0, Table", "table 'mine' cannot be made: ZeroDivisionError"),
        ("return Table", "exit(); Table", r"table 'mine' cannot be made: ProcessExit: sys\.exit"),
        ("return Table", "Table", "table 'mine' made None: it must return a Table"),
        ('pd.DataFrame({"cells": [len(cells)]})', "3", "must return a Table with a DataFrame"),
        ("MINE =", "NONE = 1 #", "defines no tables; it must define one"),
    ],
)
def test_a_file_that_makes_no_table_says_so(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        find_table(write(tmp_path, MINE.replace(old, new))).make(CELLS)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what makes a package provide one table under some names."""
    (tmp_path / "table_of_test.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def provide(*names: str) -> None:
        points = [EntryPoint(name, "table_of_test:MINE", "forenbench.tables") for name in names]
        monkeypatch.setattr(registry, "entries_of", lambda group: points)

    return provide


def test_a_package_adds_a_table(install: Callable[..., None]) -> None:
    install("mine")
    assert find_table("mine").make(CELLS).name == "mine"
    assert find_table("lgrad-3") is paper_tables()["lgrad-3"]
    with pytest.raises(BenchError, match=r"unknown table 'summery': did you mean summary.*lgrad-3"):
        find_table("summery")


@pytest.mark.parametrize("name", ["summary", "lgrad-3"])
def test_a_package_takes_no_name_of_a_built_in_or_a_papers_table(
    install: Callable[..., None], name: str
) -> None:
    install("mine", name)
    both = f"two packages provide a table '{name}': forenbench and table_of_test:MINE"
    with pytest.raises(BenchError, match=both):
        find_table(name)
    assert find_table("mine").make(CELLS).name == "mine"


@pytest.mark.parametrize("name", ["summary", "lgrad-3"])
def test_a_file_takes_no_name_of_a_built_in_or_a_papers_table(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, MINE.replace('"mine"', f'"{name}"'))
    with pytest.raises(BenchError, match=f"two tables are called '{name}': one of forenbench and .*mine.py"):
        find_table(file)
