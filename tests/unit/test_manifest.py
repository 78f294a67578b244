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
from forenbench.inventory import FileFacts, take_stock
from forenbench.sources.folder import find_samples
from forenbench.sources.locations import open_location
from forenbench.testing import tiny_image, write_tiny_dataset
from forenbench.testsets import digest
from forenbench.types import FAKE, REAL, BenchError, Sample

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
            "row 2: label 'maybe' of 'b'",
        ),
        ([{"path": "a", "label": "0"}, {"path": "", "label": "1"}], "row 2: there is no 'path'"),
        ([{"path": "a", "label": "0"}, {"path": "a", "label": "1"}], "row 2: 'a' is listed twice"),
        (
            [{"path": "a", "label": "0"}, {"path": "b/.././a", "label": "1"}],
            "row 2: 'b/.././a' is listed twice",
        ),
        ([{"path": "a", "label": ""}], "row 1: there is no 'label'"),
        ([{"name": "a", "label": "0"}], "row 1: there is no 'path' (columns: name, label)"),
        ([{"path": "a", "kind": "0"}], "row 1: there is no 'label' (columns: path, kind)"),
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
        ("m.csv", b"name,label\na,0\n", r"there is no 'path' \(columns: name, label\)"),
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
    with pytest.raises(BenchError, match=f"'a' is not what its manifest says: .*{sha256(b'a').hexdigest()}"):
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


def test_files_without_a_label_are_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "my photos").mkdir()
    (tmp_path / "my photos/a.png").write_bytes(b"x")
    with pytest.raises(BenchError, match=r"bench data index '.*my photos' --label real"):
        index(tmp_path / "my photos", tmp_path / "m.csv")


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
