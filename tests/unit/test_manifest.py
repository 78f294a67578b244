"""A manifest says which file is what; what it cannot mean is named with its row."""

from __future__ import annotations

import csv
import json
import os
import pickle
import re
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forenbench.cli.index import index
from forenbench.data.catalogue import open_dataset
from forenbench.data.inventory import FileFacts, take_stock
from forenbench.data.sources.folder import find_samples
from forenbench.data.sources.locations import open_location
from forenbench.data.testsets import digest
from forenbench.errors import BenchError
from forenbench.testing import tiny_image, write_tiny_dataset
from forenbench.types import FAKE, REAL, Sample

SUFFIXES = pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(file: Path, rows: list[dict[str, object]]) -> Path:
    """Write a manifest as others would, without the code under test."""
    if file.suffix == ".csv":
        with file.open("w", newline="") as text:
            writer = csv.DictWriter(text, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif file.suffix == ".jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), file)
    return file


@SUFFIXES
def test_rows_become_samples(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, object]] = [
        {"Path": "b.png", "LABEL": 1, "generator": "sdxl", "class": "cat", "real_source": "", "Origin": "v1"},
        {"Path": "sub/a.png", "LABEL": 0, "generator": "", "class": "", "real_source": "coco", "Origin": ""},
        {"Path": "../c.png", "LABEL": 0, "generator": "sdxl", "class": "", "real_source": "", "Origin": ""},
        {"Path": "d.png", "LABEL": 1, "generator": "", "class": "", "real_source": "", "Origin": ""},
    ]
    for row in rows:
        row["author"] = "x"  # for readers
    _, findings = open_location(write(tmp_path / f"mine{suffix}", rows))
    assert findings.samples == (
        Sample("b.png", FAKE, "sdxl", "cat", "", "v1"),
        Sample("sub/a.png", REAL, "", "", "coco"),
        Sample("../c.png", REAL, "sdxl", "", "sdxl"),
        Sample("d.png", FAKE, "mine", "", ""),
    )


@SUFFIXES
def test_labels_are_words_or_numbers(tmp_path: Path, suffix: str) -> None:
    words = ["0", "real", "Real", "1", "fake", "FAKE", " fake ", "nature", "ai"]
    rows: list[dict[str, object]] = [{"path": f"{i}", "label": word} for i, word in enumerate(words)]
    _, findings = open_location(write(tmp_path / f"m{suffix}", rows))
    assert [s.label for s in findings.samples] == [0, 0, 0, 1, 1, 1, 1, 0, 1]


@SUFFIXES
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"path": "a", "label": "0"}, {"path": "b", "label": "maybe"}],
            "row 2: 'maybe' is no label. In column 'label' there are 'maybe' (1) (others: '0' (1)); say what",
        ),
        ([{"path": "a", "label": "0"}, {"path": "", "label": "1"}], "row 2: there is no 'path'"),
        ([{"path": "a", "label": "0"}, {"path": "a", "label": "1"}], "row 2: 'a' is listed twice"),
        (
            [{"path": "a", "label": "0"}, {"path": "b/.././a", "label": "1"}],
            "row 2: 'b/.././a' is listed twice",
        ),
        ([{"path": "a", "label": ""}], "row 1: '' is no label"),
        (
            [{"name": "a", "label": "0"}],
            "has no column 'path' (columns: name, label); say what it is called there, perhaps as in "
            "columns: path=name",
        ),
        ([{"path": "a", "kind": "0"}], "has no column 'label' (columns: path, kind); say what it is called"),
        ([{"path": "a", "label": "0", "Label": "1"}], "two columns of one name"),
    ],
)
def test_rows_that_mean_nothing_are_named(
    tmp_path: Path, suffix: str, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(BenchError, match=rf"m{suffix}'.*{re.escape(message)}"):
        open_location(write(tmp_path / f"m{suffix}", rows))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"", "is empty"),
        ("m.csv", b"path,label\n", "is empty"),
        ("m.csv", b"path,label\na,0,surplus\n", "line 2 has more fields"),
        ("m.csv", b'path,label\n"a,0\n', "cannot be read as .csv"),
        ("m.csv", b"name,label\na,0\n", r"has no column 'path' \(columns: name, label\)"),
        ("m.jsonl", b"\n", "is empty"),
        ("m.jsonl", b'{"path": "a", "label": 0}\n{"path"', "cannot be read as .jsonl"),
        ("m.jsonl", b'["a", 0]\n', "line 1 is no object"),
        ("m.jsonl", b'{"path": "a\\u0000", "label": 0}\n', "row 1: .*zero byte"),
        ("m.jsonl", b'{"path": "\\ud800", "label": 0}\n', "row 1: .*surrogates not allowed"),
        ("m.parquet", b"path", "cannot be read as .parquet"),
        ("m.xlsx", b"PK", "is not a folder, an archive .* or a manifest"),
    ],
)
def test_files_that_are_no_manifest_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchError, match=message):
        open_location(tmp_path / name)
    with pytest.raises(BenchError, match=r"no manifest at|nothing at"):
        open_location(tmp_path / "absent" / name)


def test_paths_start_at_the_manifest_and_absent_files_are_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("in/lists", "in/images"):
        (tmp_path / path).mkdir(parents=True)
    tiny_image(1).save(tmp_path / "in/images/a.png")
    (tmp_path / "in/b").write_bytes(b"b")
    paths = ["../images/a.png", str(tmp_path / "in/b"), "gone.png"]
    write(tmp_path / "in/lists/m.csv", [{"path": path, "label": 0} for path in paths])
    monkeypatch.chdir(tmp_path / "in")
    source, findings = open_location(Path("lists/m.csv"))
    assert [s.path for s in findings.samples] == paths
    facts = take_stock(source, paths)
    assert [fact.format for fact in facts.values()] == ["PNG", "", ""]
    assert facts["gone.png"] == FileFacts("")
    assert pickle.loads(pickle.dumps(source)).read(paths[1]) == b"b"


@SUFFIXES
def test_other_content_than_promised_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    promised: list[dict[str, object]] = [
        {"path": "a", "label": 0, "sha256": sha256(b"a").hexdigest().upper()},
        {"path": "b", "label": 1, "sha256": ""},
        {"path": "gone", "label": 1, "sha256": sha256(b"c").hexdigest()},
    ]
    source, findings = open_location(write(tmp_path / f"m{suffix}", promised))
    paths = [s.path for s in findings.samples]
    assert [fact.bytes for fact in take_stock(source, paths).values()] == [1, 1, 0]
    (tmp_path / "a").write_bytes(b"other")
    with pytest.raises(
        BenchError, match=f"'a' is not what its manifest or list says: .*{sha256(b'a').hexdigest()}"
    ):
        take_stock(source, paths)


@pytest.mark.parametrize("place", ["m", "tiny/m", "lists/deep/m"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
@SUFFIXES
def test_an_index_opens_as_what_it_was_made_from(tmp_path: Path, place: str, kind: str, suffix: str) -> None:
    location = tmp_path / "tiny"
    write_tiny_dataset(location, images=2)
    (location / "notes.txt").write_text("x")
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as archive:
            for file in sorted(location.rglob("*")):
                archive.write(file, file.relative_to(tmp_path))
        location = tmp_path / "tiny.zip"
    manifest = tmp_path / f"{place}{suffix}"
    index(location, manifest)
    assert identity(manifest) == identity(location)


def test_an_index_states_every_file_and_what_it_left_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_dataset(tmp_path / "tiny", images=2)
    (tmp_path / "tiny/notes.txt").write_text("x")
    (tmp_path / "tiny/alpha/0_real/page.png").write_text("<html>")
    (tmp_path / "tiny/alpha/0_real/dangling.png").symlink_to("nowhere")
    index(tmp_path / "tiny", tmp_path / "m.csv")
    said = capsys.readouterr()
    assert "6 real and 4 fake files" in said.out
    assert "left aside, without a label: 1, the first 'notes.txt'" in said.err
    assert "cannot be read: 1, the first 'alpha/0_real/dangling.png'" in said.err
    assert "no images: 1, the first 'alpha/0_real/page.png'" in said.err
    with (tmp_path / "m.csv").open() as text:
        rows = {row["path"]: row for row in csv.DictReader(text)}
    data = (tmp_path / "tiny/beta/1_fake/1.png").read_bytes()
    assert len(rows) == 10
    assert rows["beta/1_fake/1.png"] == {
        "path": "beta/1_fake/1.png",
        "label": "1",
        "generator": "beta",
        "class": "",
        "real_source": "",
        "origin": "",
        "split": "",
        "sha256": sha256(data).hexdigest(),
        "format": "PNG",
        "mode": "RGB",
        "width": "32",
        "height": "24",
        "bytes": str(len(data)),
        "location": "tiny",
    }
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_an_index_can_label_what_no_folder_does(tmp_path: Path, kind: str) -> None:
    files = {"a.png": 1, "sdxl/people/b.png": 1, "sdxl/0_real/c.png": 0}
    for name in files:
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"x")
    location = tmp_path / "out"
    if kind == "zip":
        location = tmp_path / "out.zip"
        with zipfile.ZipFile(location, "w") as archive:
            for name in files:
                archive.write(tmp_path / "out" / name, name)
    index(location, tmp_path / "m.csv", "fake")
    _, found = open_location(tmp_path / "m.csv")
    assert {sample.path: sample.label for sample in found.samples} == files
    generators = {sample.path: (sample.generator, sample.class_name) for sample in found.samples}
    assert generators["a.png"] == ("out", "")
    assert generators["sdxl/people/b.png"] == ("sdxl", "people")
    with pytest.raises(BenchError, match="unknown label 'fkae'"):
        index(location, tmp_path / "m.csv", "fkae")


def test_files_without_a_label_are_refused_with_the_ways_out_that_fit(tmp_path: Path) -> None:
    """In a tree of several folders one label for all would be false for most."""
    (tmp_path / "my photos").mkdir()
    (tmp_path / "my photos/a.png").write_bytes(b"x")
    with pytest.raises(BenchError, match=r"'a.png'\).*: bench data index '.*my photos' --label real, or"):
        index(tmp_path / "my photos", tmp_path / "m.csv")
    for name in ("dalle3", "firefly", "photos"):
        (tmp_path / "mixed" / name).mkdir(parents=True)
        (tmp_path / "mixed" / name / "1.png").write_bytes(b"x")
    with pytest.raises(
        BenchError, match=r"instance 'dalle3/1.png', 'firefly/1.png', 'photos/1.png'"
    ) as error:
        index(tmp_path / "mixed", tmp_path / "m.csv")
    assert "--label" not in str(error.value)


def test_an_index_keeps_splits_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in ("train", "test"):
        write_tiny_dataset(tmp_path / "own" / split, images=2)
    index(tmp_path / "own", tmp_path / "m.csv")
    assert identity(tmp_path / "m.csv") == identity(tmp_path / "own")
    assert "column 'split': 8 of 'test', 8 of 'train'; a run takes one" in capsys.readouterr().err
    index(tmp_path / "own", tmp_path / "m.csv", splits="train")
    assert {sample.split for sample in identity(tmp_path / "m.csv")[0]} == {"train"}


def test_backslashes_are_separators_unless_a_file_is_called_so(tmp_path: Path) -> None:
    for name in ("sdxl/0_real/1.png", "sdxl/1_fake/2.png", "odd\\name.png", "pics/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(tmp_path / "pics/3.png", "in/3.png")
    rows: list[dict[str, object]] = [
        {"path": r"sdxl\0_real\1.png", "label": 0, "location": ""},
        {"path": r"sdxl/1_fake\2.png", "label": 1, "location": ""},
        {"path": r"odd\name.png", "label": 1, "location": ""},
        {"path": "3.png", "label": 0, "location": r"lists\..\pics"},
        {"path": r"in\3.png", "label": 0, "location": "x.zip"},
    ]
    (tmp_path / "lists").mkdir()
    source, findings = open_location(write(tmp_path / "m.csv", rows))
    paths = ["sdxl/0_real/1.png", "sdxl/1_fake/2.png", r"odd\name.png", "3.png", "in/3.png"]
    assert [sample.path for sample in findings.samples] == paths
    assert all(fact.sha256 for fact in take_stock(source, paths).values())
    rows = [{"path": path, "label": 0} for path in (r"sdxl\0_real\1.png", "sdxl/0_real/1.png")]
    with pytest.raises(BenchError, match=r"row 2: 'sdxl/0_real/1.png' is listed twice"):
        open_location(write(tmp_path / "twice.csv", rows))


def test_labels_may_be_booleans_or_floats(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(
        "".join(
            json.dumps({"path": str(number), "label": label}) + "\n"
            for number, label in enumerate([True, False, 1.0, 0.0, "1.0", "0.0", "TRUE"])
        )
    )
    assert [s.label for s in open_location(tmp_path / "m.jsonl")[1].samples] == [1, 0, 1, 0, 1, 0, 1]
    for label in ("0.5", "2", "real.0", "nan"):
        (tmp_path / "m.csv").write_text(f"path,label\na,{label}\n")
        with pytest.raises(BenchError, match=f"row 1: '{label}' is no label"):
            open_location(tmp_path / "m.csv")


def test_other_separators_and_encodings_are_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "é.png").write_bytes(b"x")
    text = "path;label;generator\r\né.png;fake;Modèle\r\n"
    for encoding, separator, said in (
        ("utf-8", ";", ["separated by semicolons"]),
        ("utf-8-sig", ",", []),
        ("utf-8", "|", ["separated by pipes"]),
        ("utf-16", "\t", ["separated by tabs", "read as UTF-16"]),
        ("latin-1", ",", ["no UTF-8 in it is read as Windows-1252"]),
    ):
        (tmp_path / "m.csv").write_bytes(text.replace(";", separator).encode(encoding))
        source, findings = open_location(tmp_path / "m.csv")
        assert len(findings.notes) == len(said), (encoding, findings.notes)
        assert all(map(re.search, said, findings.notes))
        assert findings.samples == (Sample("é.png", FAKE, "Modèle"),)
        assert source.read("é.png") == b"x"
    (tmp_path / "m.csv").write_bytes(b"path,label\ngone-\xe9.png,fake\n")
    assert any("1 of its paths lead to none" in note for note in open_location(tmp_path / "m.csv")[1].notes)
    (tmp_path / "m.csv").write_bytes(text.encode("utf-16-le"))
    with pytest.raises(BenchError, match="UTF-16 without its mark; save it as UTF-8"):
        open_location(tmp_path / "m.csv")


def test_separators_within_a_quoted_header_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('"path";"label";"seen by a, b, c, d"\na.png;real;x\n')
    assert open_location(tmp_path / "m.csv")[1].samples == (Sample("a.png", REAL, "", "", "m"),)


def test_a_column_that_seems_to_hold_generators_is_named_with_its_values(tmp_path: Path) -> None:
    rows = [f"{number},1,{'flux' if number % 2 else 'sdxl'},cat,rgb" for number in range(5)]
    rows.append("5,0,,cat,rgb")  # a real image, which no model has made
    (tmp_path / "m.csv").write_text("\n".join(["path,label,Model_Name,class,mode", *rows]))
    (note,) = open_location(tmp_path / "m.csv")[1].notes
    assert "column 'model_name' is not read; it has 2 values, such as 'flux'" in note
    assert note.endswith("columns: generator=model_name")


def test_a_manifest_of_which_no_file_is_there_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"path": f"gone/{number}.png", "label": number % 2} for number in range(3)
    ]
    file = write(tmp_path / "m.csv", rows)
    with pytest.raises(
        BenchError, match=r"of 3 files of dataset 'm' not one .*no file at .*gone/0.png"
    ) as error:
        open_dataset(str(file), data_root=tmp_path)
    assert error.value.exit_status == 2
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone/1.png").write_bytes(b"x")
    (dataset,) = open_dataset(str(file), data_root=tmp_path)
    assert sum(len(testset.samples) for testset in dataset.testsets) == 3


def test_an_index_needs_a_format_and_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"ends in none of .csv, .jsonl, .parquet"):
        index(tmp_path, tmp_path / "m.txt")
    with pytest.raises(BenchError, match="is a table itself"):
        index(tmp_path / "m.csv", tmp_path / "n.csv")


def identity(location: Path) -> tuple[tuple[Sample, ...], str]:
    """What a dataset is to a run: its samples, and the digest of their contents."""
    source, findings = open_location(location)
    facts = take_stock(source, [s.path for s in findings.samples])
    return findings.samples, digest(findings.samples, facts)


NAMES = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.text("a,\"';\r\n\t #\\=é写", min_size=1, max_size=10).map(str.encode),
).filter(lambda name: not (b"/" in name or b"\0" in name or name.startswith(b".")))


@pytest.mark.slow
@settings(max_examples=50)
@given(st.sets(NAMES, min_size=1, max_size=5), NAMES, st.sampled_from(["csv", "jsonl", "parquet"]))
def test_any_file_name_survives_an_index(names: set[bytes], generator: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        for label in (b"0_real", b"1_fake"):
            folder = os.path.join(os.fsencode(root), b"data", generator, label)  # noqa: PTH118 - bytes
            os.makedirs(folder)  # noqa: PTH103 - bytes
            for name in names:
                Path(os.fsdecode(os.path.join(folder, name))).write_bytes(name + label)  # noqa: PTH118
        index(Path(root, "data"), Path(root, f"m.{suffix}"))
        assert len(find_samples(Path(root, "data")).samples) == 2 * len(names)
        assert identity(Path(root, f"m.{suffix}")) == identity(Path(root, "data"))
