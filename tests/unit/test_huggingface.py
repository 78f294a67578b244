"""Parquet files with images inside read like files: bytes as stored, labels by the names of classes."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_files import tiny_file

from forenbench.cli.index import index
from forenbench.data.inventory import FileFacts, take_stock
from forenbench.data.sources.huggingface import HuggingFace
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.row_groups import DecodedGroups, ParquetTable
from forenbench.errors import BenchError
from forenbench.types import Sample

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


jpeg = partial(tiny_file, format="JPEG")


def write_table(file: Path, **columns: list[Any] | pa.Array) -> Path:
    """Write a plain parquet file, with nothing in it that the hub's library alone understands."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)
    return file


def write_hub(file: Path, names: list[str], **columns: list[Any]) -> Path:
    """Write a file as the library `datasets` (5.2) does: what images and classes are is in the metadata."""
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    features = {name: known.get(name, {"dtype": "string", "_type": "Value"}) for name in columns}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({**columns, "image": pa.array(columns["image"], IMAGE)})
    pq.write_table(table.replace_schema_metadata(told), file, row_group_size=2)
    return file


def images(*seeds: int) -> list[dict[str, Any]]:
    return [{"bytes": jpeg(seed), "path": f"{seed}.jpg"} for seed in seeds]


def test_the_names_of_classes_say_which_label_is_which(tmp_path: Path) -> None:
    """The hub's CIFAKE has fake = 0 and real = 1."""
    root = tmp_path / "cifake"
    for split, seeds in (("test", [1, 2]), ("train", [3, 4, 5])):
        write_hub(
            root / f"data/{split}.parquet",
            ["FAKE", "REAL"],
            image=images(*seeds),
            label=[0, 1, 0][: len(seeds)],
        )
    source, findings = open_location(root)
    assert findings.samples == (
        Sample("data/test.parquet#0", 1, "cifake", split="test"),
        Sample("data/test.parquet#1", 0, "", "", "cifake", split="test"),
        Sample("data/train.parquet#0", 1, "cifake", split="train"),
        Sample("data/train.parquet#1", 0, "", "", "cifake", split="train"),
        Sample("data/train.parquet#2", 1, "cifake", split="train"),
    )
    assert [source.read(s.path) for s in findings.samples] == [jpeg(seed) for seed in range(1, 6)]
    with pytest.raises(OSError, match=r"no row data/test.parquet#2"):
        source.read("data/test.parquet#2")


def test_a_column_that_seems_to_hold_generators_is_named_with_its_values(tmp_path: Path) -> None:
    columns = {"image": images(1, 2, 3), "label": ["real", "fake", "fake"], "prompt": ["a", "b", "c"]}
    made_by = {"model": ["real", "sdxl", "flux"]}
    file = write_table(tmp_path / "a.parquet", **columns, **made_by)
    (note,) = open_location(file)[1].notes
    assert "column 'model' is not read; it has 3 values, such as 'flux'" in note
    file = write_table(tmp_path / "b.parquet", **columns, **made_by, generator=["", "x", "y"])
    assert open_location(file)[1].notes == ()


def test_labels_may_be_booleans_or_floats(tmp_path: Path) -> None:
    for number, labels in enumerate(([False, True], [0.0, 1.0])):
        file = write_table(tmp_path / f"{number}.parquet", image=images(1, 2), label=labels)
        assert [sample.label for sample in open_location(file)[1].samples] == [0, 1]


def test_generators_and_classes_are_columns(tmp_path: Path) -> None:
    columns = {
        "Image": images(1, 2, 3, 4),
        "Labels": ["nature", "ai", "ai", None],
        "Generator": [None, "sdxl", "dalle", "dalle"],
        "class": ["cat", "cat", "dog", "dog"],
        "origin": ["v1", "v1", None, "v2"],
        "caption": ["a", "b", "c", "d"],
    }
    _, findings = open_location(write_table(tmp_path / "hub/a.parquet", **columns).parent)
    assert findings.samples == (
        Sample("a.parquet#0", 0, "", "cat", "hub", "v1"),
        Sample("a.parquet#1", 1, "sdxl", "cat", "", "v1"),
        Sample("a.parquet#2", 1, "dalle", "dog", ""),
    )
    assert findings.unlabelled == ("a.parquet#3",)


@pytest.mark.parametrize("as_struct", [True, False])
def test_bytes_come_as_they_are_stored(tmp_path: Path, as_struct: bool) -> None:
    stored = [jpeg(1), b"no image", b"", None]
    column = [{"bytes": data, "path": "x"} for data in stored] if as_struct else stored
    file = write_table(tmp_path / "one.parquet", picture=column, label=[0, 1, -1, 1])
    source, findings = open_location(file)
    assert [s.path for s in findings.samples] == ["one.parquet#0", "one.parquet#1", "one.parquet#3"]
    facts = take_stock(source, [s.path for s in findings.samples])
    assert [(fact.format, fact.bytes) for fact in facts.values()] == [
        ("JPEG", len(jpeg(1))),
        ("", 8),
        ("", 0),
    ]
    assert facts["one.parquet#3"] == FileFacts("")
    assert source.read("one.parquet#2") == b""
    for path in ("one.parquet#9", "one.parquet#-1", "other.parquet#0", "one.parquet"):
        with pytest.raises(OSError, match="no row"):
            source.read(path)


def test_threads_and_pickled_copies_read_the_same(tmp_path: Path) -> None:
    file = write_table(tmp_path / "hub/a.parquet", image=images(*range(20)), label=[0, 1] * 10)
    source, findings = open_location(file.parent)
    paths = [s.path for s in findings.samples] * 5
    expected = [jpeg(seed) for seed in range(20)] * 5
    with ThreadPoolExecutor(4) as readers:
        assert list(readers.map(pickle.loads(pickle.dumps(source)).read, paths)) == expected
        assert list(readers.map(source.read, paths)) == expected


def test_changed_files_are_read_again(tmp_path: Path) -> None:
    file = write_table(tmp_path / "hub/a.parquet", image=images(1, 2), label=[0, 1])
    before = take_stock(open_location(file.parent)[0], ["a.parquet#0", "a.parquet#1"])
    write_table(file, image=images(2, 1), label=[0, 1])
    after = take_stock(open_location(file.parent)[0], ["a.parquet#0", "a.parquet#1"])
    assert list(after.values()) == list(reversed(before.values()))


def test_what_is_read_of_opened_files_is_not_remembered_of_those_put_in_their_place(tmp_path: Path) -> None:
    file = write_table(tmp_path / "hub/a.parquet", image=images(1, 2), label=[0, 1])
    opened, _ = open_location(file.parent)
    write_table(file, image=images(2, 1), label=[0, 1])
    paths = ["a.parquet#0", "a.parquet#1"]
    assert set(take_stock(opened, paths).values()) == {FileFacts("")}
    with pytest.raises(OSError, match=r"a.parquet' was changed while it was in use"):
        opened.read("a.parquet#0")
    assert all(fact.format == "JPEG" for fact in take_stock(open_location(file.parent)[0], paths).values())


@pytest.mark.parametrize("seeds", [(2, 1), (2, 1, 3)])
def test_a_file_that_was_changed_under_its_old_time_is_not_read_from_a_copy(
    tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    """As `cp -p` and `rsync -t` leave it."""
    file = write_table(tmp_path / "hub/a.parquet", image=images(1, 2), label=[0, 1])
    open_location(file.parent)[0].read("a.parquet#0")
    time = file.stat().st_mtime_ns
    write_table(file, image=images(*seeds), label=[0, 1, 1][: len(seeds)])
    os.utime(file, ns=(time, time))
    source, _ = open_location(file.parent)
    assert [source.read(f"a.parquet#{row}") for row in range(len(seeds))] == [jpeg(seed) for seed in seeds]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [b"x"], "kind": [0]}, r"no column 'label' \(columns: image, kind\)"),
        ({"text": ["x"], "label": [0]}, "hub': one column must hold the images' bytes"),
        ({"first": [b"x"], "second": [b"x"], "label": [0]}, r"\['first', 'second'\]"),
        ({"images": [[{"bytes": b"x", "path": "x"}]], "label": [0]}, "'images' holds a list of images"),
        ({"pages": [[b"x", b"y"]], "label": [0]}, "'pages' holds a list of images"),
        ({"image": [b"x"], "label": [2]}, "row 1: '2' is no label"),
        ({"image": [b"x"], "label": ["cat"]}, "row 1: 'cat' is no label"),
        ({"image": [b"x"], "label": [-1]}, "no row with a label"),
    ],
)
def test_tables_that_mean_nothing_are_named(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    file = write_table(tmp_path / "hub/a.parquet", **columns)
    with pytest.raises(BenchError, match=message):
        open_location(file.parent)


def test_a_broken_or_unlike_file_is_named(tmp_path: Path) -> None:
    file = write_table(tmp_path / "hub/a.parquet", image=[b"x"], label=[0])
    write_table(tmp_path / "hub/b.parquet", picture=[b"x"], label=["real"])
    with pytest.raises(BenchError, match=r"b.parquet' has other columns than 'a.parquet': 'image'"):
        open_location(file.parent)
    (tmp_path / "hub/b.parquet").write_bytes(file.read_bytes()[:100])
    with pytest.raises(BenchError, match=r"b.parquet' is no readable parquet file"):
        open_location(file.parent)


def test_label_folders_come_before_tables(tmp_path: Path) -> None:
    write_table(tmp_path / "data/a.parquet", image=[b"x"], label=[0])
    (tmp_path / "data/real").mkdir()
    (tmp_path / "data/real/a.jpg").write_bytes(jpeg(1))
    source, findings = open_location(tmp_path / "data")
    assert not isinstance(source, HuggingFace)
    assert findings.unlabelled == ("a.parquet",)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_an_index_leads_back_to_the_rows(tmp_path: Path, suffix: str) -> None:
    root = write_hub(
        tmp_path / "hub/data/a.parquet",
        ["real", "fake"],
        image=images(1, 2, 3),
        label=[0, 1, 1],
        generator=["", "x", "y"],
    ).parents[1]
    index(root, tmp_path / f"lists/m.{suffix}")
    (source, findings), (listed, same) = open_location(root), open_location(tmp_path / f"lists/m.{suffix}")
    assert same.samples == findings.samples
    paths = [s.path for s in findings.samples]
    assert take_stock(listed, paths) == take_stock(source, paths)
    assert listed.read(paths[2]) == jpeg(3)


def test_columns_of_any_width_and_spelling_are_read(tmp_path: Path) -> None:
    large = pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())])
    columns = {
        "image": pa.array(images(1, 2), large),
        "label": pa.array(["real", "fake"]).dictionary_encode(),
        "generator": pa.array([None, "sdxl"]).dictionary_encode(),
    }
    source, findings = open_location(write_table(tmp_path / "a.parquet", **columns))
    assert findings.samples[1] == Sample("a.parquet#1", 1, "sdxl")
    assert source.read("a.parquet#1") == jpeg(2)
    write_table(tmp_path / "b.parquet", image=pa.array([jpeg(3)], pa.large_binary()), label=[0])
    assert open_location(tmp_path / "b.parquet")[0].read("b.parquet#0") == jpeg(3)


def test_a_file_without_rows_holds_nothing_up(tmp_path: Path) -> None:
    write_table(tmp_path / "hub/a.parquet", image=[], label=[])
    write_table(tmp_path / "hub/b.parquet", image=images(1, 2), label=[0, 1])
    source, findings = open_location(tmp_path / "hub")
    assert [sample.path for sample in findings.samples] == ["b.parquet#0", "b.parquet#1"]
    assert source.read("b.parquet#1") == jpeg(2)


def test_a_broken_row_group_spoils_its_own_images_only(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    table = pa.table({"image": [jpeg(1), jpeg(2)], "label": [0, 1]})
    pq.write_table(table, file, row_group_size=1, use_dictionary=False, compression="none")
    data = bytearray(file.read_bytes())
    start = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    data[start : start + 8] = b"\xff" * 8
    file.write_bytes(data)
    source, _ = open_location(file)
    assert source.read("a.parquet#0") == jpeg(1)
    with pytest.raises(OSError, match=r"a.parquet' is no readable parquet file"):
        source.read("a.parquet#1")


@pytest.mark.parametrize("has_bytes", [True, False])
def test_a_row_with_a_path_leads_to_a_file_beside_its_table(tmp_path: Path, has_bytes: bool) -> None:
    """In a folder, in an archive, or as the hub's library spells a member of one."""
    folder = tmp_path / "hub/data"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos/1.jpg").write_bytes(jpeg(1))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("more/2.jpg", jpeg(2))
        archive.writestr("3.jpg", jpeg(3))
    (tmp_path / "secret").write_bytes(b"mine")
    names = ["photos/1.jpg", "2.jpg", "zip://3.jpg::https://example.org/more.zip", "../../secret", "none.jpg"]
    rows = [{"bytes": None, "path": name} if has_bytes else {"path": name} for name in names]
    write_table(folder / "test.parquet", image=rows, label=[0, 1, 0, 1, 1])
    source, _ = open_location(tmp_path / "hub")
    paths = [f"data/test.parquet#{row}" for row in range(5)]
    assert [source.read(path) for path in paths[:3]] == [jpeg(1), jpeg(2), jpeg(3)]
    with pytest.raises(OSError, match="leads out of"):
        source.read(paths[3])
    with pytest.raises(OSError, match=r"'none.jpg' is neither beside its table"):
        source.read(paths[4])
    assert open_location(folder / "test.parquet")[0].read("test.parquet#0") == jpeg(1)
    before = take_stock(source, paths)
    (folder / "photos/1.jpg").write_bytes(jpeg(7))
    after = take_stock(open_location(tmp_path / "hub")[0], paths)
    assert [path for path in paths if before[path] != after[path]] == paths[:1]


def test_a_row_group_is_decoded_once_in_the_order_of_paths(tmp_path: Path) -> None:
    decoded = []

    class Counted(ParquetTable):
        def decode(self, group: int) -> pa.ChunkedArray:
            decoded.append(group)
            return super().decode(group)

    table = pa.table({"image": [bytes([row]) * 1000 for row in range(60)], "label": [0, 1] * 30})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=10)
    opened, groups = Counted(tmp_path / "a.parquet"), DecodedGroups(limit=30_000)
    for row in sorted(range(60), key=str):  # as paths are sorted: 0, 1, 10, 11, …
        group, at = opened.find(row)
        assert groups.get(opened, group)[at].as_py() == bytes([row]) * 1000
    # in this order group 0 comes back before each further one
    assert sorted(decoded) == [0, 1, 2, 3, 4, 5]


def test_forked_processes_read_beside_each_other(tmp_path: Path) -> None:
    file = write_hub(tmp_path / "hub/a.parquet", ["a", "b"], image=images(*range(8)), label=[0, 1] * 4)
    source = HuggingFace(file.parent, [file.name])
    source.read("a.parquet#0")
    with multiprocessing.get_context("fork").Pool(2) as readers:
        found = readers.map(source.read, [f"a.parquet#{row}" for row in range(8)])
        # Told to end, not killed: what Ray does about SIGTERM in this process is inherited, and is no end.
        readers.close()
        readers.join()
    assert found == [*map(jpeg, range(8))]
