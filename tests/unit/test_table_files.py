"""Tables in three formats: whatever a file system takes for a name comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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


def test_what_is_null_is_empty_and_other_values_are_their_text(tmp_path: Path) -> None:
    values = {"path": ["a", None], "score": [0.5, None], "label": [1, 0], "is_real": [True, False]}
    pq.write_table(pa.table(values), tmp_path / "t.parquet")
    lines = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for name in ("t.parquet", "t.jsonl"):
        assert [list(row.values()) for row in read_rows(tmp_path / name)] == [
            ["a", "0.5", "1", "True"],
            ["", "", "0", "False"],
        ]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"'.*table\.txt' ends in none of \.csv, \.jsonl, \.parquet; the suffix"
    ):
        write_rows(tmp_path / "table.txt", ["path"], [])
