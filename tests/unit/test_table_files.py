"""Tables in three formats: whatever a file system takes for a name comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from forenbench.data.sources.table_files import SUFFIXES, read_rows, read_texts, write_rows
from forenbench.errors import BenchError

ROWS = [
    {"path": "plain.png", "note": "1"},
    {"path": "caf\udce9.png", "note": ""},  # Latin-1, as PEP 383 hands it on
    {"path": 'a "quoted", name\nof two lines', "note": "null"},
    {"path": "0001", "note": "\u00e9"},
]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_texts_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"table{suffix}"
    write_rows(file, ["path", "note"], ROWS)
    assert list(read_rows(file)) == ROWS
    assert read_texts(file, ["note", "absent"]) == {"note": ["1", "", "null", "\u00e9"], "absent": [""] * 4}


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"'.*table\.txt' ends in none of \.csv, \.jsonl, \.parquet; the suffix"
    ):
        write_rows(tmp_path / "table.txt", ["path"], [])
