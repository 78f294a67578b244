"""Tables of files and packages: what they make is looked at, and what goes wrong is theirs by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest

from forenbench import registry
from forenbench.errors import BenchError
from forenbench.tables import REGISTRY
from forenbench.tables.table_kinds import find_kind

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
    table = find_kind(write(tmp_path), REGISTRY).make(CELLS)
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
        find_kind(write(tmp_path, MINE.replace(old, new)), REGISTRY).make(CELLS)


def test_a_package_adds_a_table_and_takes_no_name_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "table_of_test.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [EntryPoint(name, "table_of_test:MINE", "forenbench.tables") for name in ("mine", "summary")]
    monkeypatch.setattr(registry, "entries_of", lambda group: points)
    assert find_kind("mine", REGISTRY).make(CELLS).name == "mine"
    with pytest.raises(BenchError, match="two packages provide a table 'summary': forenbench and"):
        find_kind("summary", REGISTRY)
    with pytest.raises(BenchError, match=r"unknown table 'summery': did you mean summary.*lgrad-3"):
        find_kind("summery", REGISTRY, ["lgrad-3"])
