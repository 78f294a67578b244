"""Score files of other tools: what each row becomes, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forenbench.data.sources import table_files
from forenbench.data.sources.labels import DROP
from forenbench.errors import BenchError
from forenbench.imports.row_texts import normal, normal_paths
from forenbench.imports.score_file import ForeignScores, Reading, read_scores


def read(file: Path, reading: Reading) -> ForeignScores:
    (found,) = read_scores(file, [reading])
    return found


class Row(NamedTuple):
    """One row of all columns."""

    number: int
    path: str
    label: int | None
    generator: str
    class_name: str
    real_source: str
    origin: str
    score: float
    status: str
    error: str


def rows(scores: ForeignScores) -> list[Row]:
    results = [scores.results[name].to_pylist() for name in ("score", "status", "error")]
    return [Row(*row) for row in zip(*scores.said, *results, strict=True)]


def write(folder: Path, text: str) -> Path:
    file = folder / "scores.csv"
    file.write_text(text)
    return file


def test_rows_without_a_usable_score_say_why(tmp_path: Path) -> None:
    values = {
        "0.25": "ok",
        "": "failed",
        " ": "failed",
        "n/a": "failed",
        "nan": "nonfinite",
        "-inf": "nonfinite",
        "+Infinity": "nonfinite",
        "1e400": "nonfinite",
        "1" * 5000: "nonfinite",
        "2" * 40 + "_0": "failed",
        "1_000": "failed",
        "\u0661": "failed",
        "0x1p-2": "failed",
        "1.#INF": "failed",
        "True": "failed",
        "0.5\0": "failed",
        "5e-1": "ok",
        ".5": "ok",
        "+0.5": "ok",
    }
    lines = [f"{i}.png,real,{value}" for i, value in enumerate(values)]
    read_rows = rows(read(write(tmp_path, "\n".join(["path,label,score", *lines])), Reading()))
    assert [row.status for row in read_rows] == list(values.values())
    assert [math.isnan(row.score) for row in read_rows] == [row.status != "ok" for row in read_rows]
    assert "score 'n/a' in row 4" in read_rows[3].error
    assert all(f"row {row.number}" in row.error for row in read_rows if row.status != "ok")
    assert all(len(row.error) < 120 for row in read_rows)


def test_a_row_keeps_a_status_of_its_own(tmp_path: Path) -> None:
    text = "path,label,score,status,error\na,0,0.5,unreadable,cut off\nb,1,0.5,,\nc,1,,,quota exceeded\n"
    unreadable, ok, failed = rows(read(write(tmp_path, text), Reading()))
    assert (unreadable.status, unreadable.error) == ("unreadable", "cut off")
    assert math.isnan(unreadable.score)
    assert (ok.status, ok.score) == ("ok", 0.5)
    assert (failed.status, failed.error) == ("failed", "quota exceeded")


def test_columns_and_labels_have_names_of_their_own(tmp_path: Path) -> None:
    text = "Image,Truth,P(fake),Model,Video\n/data/a.png,AI,0.75,sdxl,v1\n/data/b.png,human,0.5,,\n"
    columns = {"path": "Image", "label": "truth", "score": "P(fake)", "generator": "model", "origin": "video"}
    reading = Reading(columns, {"ai": 1, "human": 0}, prefix="/data/")
    fake, real = rows(read(write(tmp_path, text), reading))
    assert (fake.path, fake.label, fake.score, fake.generator) == ("a.png", 1, 0.75, "sdxl")
    assert (real.path, real.label) == ("b.png", 0)
    assert (fake.origin, real.origin) == ("v1", "")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_formats_read_alike(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame({"path": ["a", "b", "c"], "label": [0.0, 1.0, 1.0], "score": [0.25, None, 0.75]})
    file = tmp_path / f"scores{suffix}"
    if suffix == ".jsonl":
        table.to_json(file, orient="records", lines=True)
    else:
        table.to_parquet(file)
    found = rows(read(file, Reading()))
    assert [row.label for row in found] == [0, 1, 1]
    assert [row.score for row in found if row.status == "ok"] == [0.25, 0.75]
    assert found[1].status in ("failed", "nonfinite")


def test_scores_turn_round_with_their_threshold(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label,score\na,1,0.25\nb,0,0.75\n")
    turned = read(file, Reading(real_is_high=True, threshold=0.25))
    assert [row.score for row in rows(turned)] == [0.75, 0.25]
    assert turned.threshold == 0.75
    raw = write(tmp_path, "path,label,score\na,1,-3\nb,0,4\n")
    turned = read(raw, Reading(real_is_high=True, threshold=1.0))
    assert [row.score for row in rows(turned)] == [3, -4]
    assert turned.threshold == -1


def test_shares_need_no_threshold_and_turn_round_within_0_and_1(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label,score\na,1,0\nb,0,1\n")
    plain, turned = read(file, Reading()), read(file, Reading(real_is_high=True))
    assert [row.score for row in rows(plain)] == [0, 1]
    assert [row.score for row in rows(turned)] == [1, 0]
    assert (plain.threshold, turned.threshold) == (0.5, 0.5)
    assert plain.notes[0] == "higher means generated"
    assert turned.notes[0] == "higher meant real, turned round by 1 - score"
    raw = read(write(tmp_path, "path,label,score\na,1,0\nb,0,2\n"), Reading(real_is_high=True, threshold=1))
    assert raw.notes[0] == "higher meant real, turned round by -score"


def test_a_score_at_the_threshold_is_not_above_it_after_rounding(tmp_path: Path) -> None:
    assert float(np.float32(0.3)) > 0.3
    scores = read(write(tmp_path, "path,label,score\na,0,0.3\nb,1,0.4\n"), Reading(threshold=0.3))
    assert [row.score > scores.threshold for row in rows(scores)] == [False, True]


def test_what_float32_cannot_tell_apart_or_hold_is_said(tmp_path: Path) -> None:
    text = "path,label,score\na,0,0.9999999999\nb,1,0.99999999999\nc,1,1\nd,1,1e39\n"
    scores = read(write(tmp_path, text), Reading(threshold=0.5))
    assert rows(scores)[0].score == rows(scores)[1].score == 1
    assert rows(scores)[3].status == "nonfinite"
    assert math.isnan(rows(scores)[3].score)
    assert "too large for float32" in rows(scores)[3].error
    assert "2 distinct scores became ties in float32" in scores.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,label,score\na,0,1.5\n", r"row 1: score 1.5 is outside \[0, 1\].*\(threshold\)"),
        (
            "path,label,score\na,Synth,0.5\nb,0,0.5\n",
            "row 1: 'Synth' is no label.*labels: synth=fake",
        ),
        ("path,label,score\na,,0.5\n", "row 1: '' is no label"),
        ("path,label,score\n,0,0.5\n", "row 1: there is no path"),
        ("path,label,p\na,0,0.5\n", r"no column 'score' \(columns: path, label, p\); say what it is called"),
        ("path,label,score\na,0,\nb,1,x\n", "holds no score"),
        ("path,label,score\n", "holds no score"),
        ("path,label,score,status\na,0,1,done\n", "row 1: status 'done' is none of ok"),
        ("path,label,score\na,0,1,2\n", "line 2 has more fields"),
    ],
)
def test_bad_files_are_refused_with_a_way_out(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        read(write(tmp_path, text), Reading())


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label,score\na,0,0.5\n")
    with pytest.raises(BenchError, match=r"no column 'model'.*say what it is called"):
        read(file, Reading({"generator": "model"}))
    with pytest.raises(BenchError, match="no score file"):
        read(tmp_path / "absent.csv", Reading())
    with pytest.raises(BenchError, match="ends in none of"):
        read(Path(__file__), Reading())


@pytest.mark.parametrize(
    ("path", "prefix", "spelled"),
    [
        (r"real\a.png", "", "real/a.png"),
        (r"C:\data\real\a.png", "C:\\data\\", "real/a.png"),
        (r"C:\data\real\a.png", "C:/data", "real/a.png"),
        ("./data/real//a.png", "data/", "real/a.png"),
        ("data/real/a.png", "./data", "real/a.png"),
        ("database/a.png", "data/", "database/a.png"),
        ("img_01.png", "img_", "01.png"),
        ("/data/a.png", "", "/data/a.png"),
    ],
)
def test_paths_are_spelled_alike_wherever_they_were_written(
    tmp_path: Path, path: str, prefix: str, spelled: str
) -> None:
    (row,) = rows(read(write(tmp_path, f"path,label,score\n{path},0,0.5\n"), Reading(prefix=prefix)))
    assert row.path == spelled


@given(st.lists(st.text("ab./\\", min_size=1, max_size=6)))
def test_many_paths_are_spelled_as_each_one_is(paths: list[str]) -> None:
    """What none of the paths has in it is looked for in all of them at once."""
    assert list(normal_paths(paths)) == [normal(path) for path in paths]


def test_rows_keep_their_numbers_where_labels_leave_others_out(tmp_path: Path) -> None:
    text = "path,label,score,class\na,video,0.5,x\nb,0,,y\nc,video,,x\nd,1,0.75,z\n"
    lost, ok = rows(read(write(tmp_path, text), Reading(labels={"video": DROP})))
    assert (lost.number, lost.path, lost.label, lost.class_name, lost.status) == (2, "b", 0, "y", "failed")
    assert "row 2" in lost.error
    assert (ok.number, ok.path, ok.label, ok.class_name, ok.score) == (4, "d", 1, "z", 0.75)


def test_rows_are_the_same_however_many_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "scores.jsonl"
    said: list[dict[str, object]] = [
        {"path": f"{at}.png", "label": at % 2, "score": at / 10, **({"class": f"c{at}"} if at % 3 else {})}
        for at in range(10)
    ]
    file.write_text("\n".join(map(json.dumps, said)))
    for block in (1, 3, 10):
        monkeypatch.setattr(table_files, "_BLOCK", block)
        found = rows(read(file, Reading()))
        assert [row.path for row in found] == [row["path"] for row in said]
        assert [row.class_name for row in found] == [row.get("class", "") for row in said]
        assert [row.number for row in found] == list(range(1, 11))


def test_json_rows_may_differ_in_their_columns(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text('{"path": "a", "label": 0}\n{"path": "b", "label": 1, "score": 0.5}\n')
    assert [row.status for row in rows(read(file, Reading()))] == ["failed", "ok"]
    file.write_text('{"path": "a", "label": 0, "score": 0.5}\n{"path": "b", "score": 0.5}\n')
    with pytest.raises(BenchError, match="row 2: '' is no label"):
        read(file, Reading())
    file.write_text('{"path": "a", "score": 0.5}\n{"path": "b", "score": 0.5, "label": 1}\n')
    with pytest.raises(BenchError, match="row 1: '' is no label"):
        read(file, Reading())


def test_json_that_python_will_not_read_is_a_row_or_an_error_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    good = '{"path": "a", "label": 0, "score": 0.5}\n'
    file.write_text(good + f'{{"path": "b", "label": 1, "score": {"9" * 5000}}}\n')
    assert [row.status for row in rows(read(file, Reading()))] == ["ok", "nonfinite"]
    bad = {
        "[" * 100_000: "line 2 is nested too deeply",
        '{"path": "b", "score": 0.5, "score": 0.6}': "line 2: two columns are called 'score'",
        '{"path": "b"': "line 2: Expecting",
        r'{"path": "\ud800", "label": 1, "score": 0.5}': "row 2: the path holds half a character",
        r'{"path": "b\u0000", "label": 1, "score": 0.5}': "row 2: the path holds a NUL",
    }
    for line, words in bad.items():
        file.write_text(good + line + "\n")
        with pytest.raises(BenchError, match=words):
            read(file, Reading())


@pytest.mark.parametrize("text", ["path,score,score\na,0.1,0.9\n", "path,score,SCORE\na,0.1,0.9\n"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, text: str) -> None:
    """The last one would be taken without a word."""
    with pytest.raises(BenchError, match="two columns"):
        read(write(tmp_path, text), Reading())


def test_columns_without_a_name_are_passed_over(tmp_path: Path) -> None:
    """A spreadsheet writes them for the empty cells at its edge."""
    assert rows(read(write(tmp_path, "path,label,score,,\na,0,0.5,,\n"), Reading()))[0].score == 0.5


def test_a_parquet_file_that_pyarrow_will_not_turn_into_rows_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "scores.parquet"
    twice = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array([0.1]), pa.array([0.9])], ["path", "score", "score"]
    )
    late = pa.table({"path": ["a"], "score": pa.array([2**31 - 1], pa.date32())})
    for table in (twice, late):
        pq.write_table(table, file)
        with pytest.raises(BenchError, match=r"scores\.parquet' cannot be read as \.parquet"):
            read(file, Reading())


def test_every_column_of_a_wide_file_reads_as_it_would_alone(tmp_path: Path) -> None:
    text = "path,label,A,b c\n/x/r,real,0.1,5\n/x/f,fake,0.9,\n/x/g,fake,nan,-7\n"
    file = write(tmp_path, text)
    readings = [Reading({"score": name}, prefix="/x/", threshold=0.5) for name in ("A", "b c")]
    wide = read_scores(file, readings)
    alone = [read(file, reading) for reading in readings]
    assert [repr(one) for one in wide] == [repr(one) for one in alone]
    assert [row.status for row in rows(wide[1])] == ["ok", "failed", "ok"]
    with pytest.raises(BenchError, match=r"no column 'd' \(columns: path, label, a, b c\)"):
        read_scores(file, [*readings, Reading({"score": "d"})])
    with pytest.raises(BenchError, match="holds no score in column 'label'"):
        read_scores(
            write(tmp_path, "path,label,A\nr,real,0.1\n"), [Reading({"score": n}) for n in ("A", "label")]
        )


def test_columns_may_be_separated_by_other_signs_which_is_said(tmp_path: Path) -> None:
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "pipes")):
        text = "path;label;score\na,b;0;0.5\n".replace(";", separator)
        scores = read(write(tmp_path, text), Reading())
        assert [(row.path, row.label, row.score) for row in rows(scores)] == [("a,b", 0, 0.5)]
        assert any(f"separated by {name}" in note for note in scores.notes)
    with pytest.raises(BenchError, match=r"no column 'path'.*separated by commas, semicolons, tabs or"):
        read(write(tmp_path, "path/label/score\na/0/0.5\n"), Reading())
