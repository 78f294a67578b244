"""Tar files of images whose texts say what they are: labels, generators and splits, with nothing unpacked."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from tiny_files import tiny_file

from forenbench.cli.index import index
from forenbench.data.inventory import FileFacts, take_stock
from forenbench.data.sources.locations import open_location, open_locations
from forenbench.data.sources.rules import Rules
from forenbench.errors import BenchError
from forenbench.types import Sample


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


png = partial(tiny_file, format="PNG")


def pack(file: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file


def fields(**values: object) -> bytes:
    return json.dumps(values).encode()


PAIR = {"1.png": png(1), "1.cls": b"0", "2.png": png(2), "2.cls": b"1\n"}


def test_texts_beside_images_say_label_and_generator(tmp_path: Path) -> None:
    root = tmp_path / "set"
    pack(root / "test-0000.tar", {"a/1.PNG": png(1), "a/1.CLS": b"Real", "a/1.txt": b"a cat"})
    made = fields(label="fake", generator="sdxl", caption="a dog")
    pack(root / "test-0001.tar", {"2.png": png(2), "2.json": made, "3.png": png(3), "3.json": made})
    pack(root / "train-0000.tar", {"4.png": png(4), "4.cls": b"1"})
    (root / "README.md").touch()
    source, findings = open_location(root)
    assert findings.samples == (
        Sample("test-0000.tar/a/1.PNG", 0, "", "", "set", split="test"),
        Sample("test-0001.tar/2.png", 1, "sdxl", split="test"),
        Sample("test-0001.tar/3.png", 1, "sdxl", split="test"),
        Sample("train-0000.tar/4.png", 1, "set", split="train"),
    )
    paths = [sample.path for sample in findings.samples]
    assert [source.read(path) for path in paths] == [png(seed) for seed in (1, 2, 3, 4)]
    assert [pickle.loads(pickle.dumps(source)).read(path) for path in paths] == [*map(source.read, paths)]
    for path in ("test-0000.tar/2.png", "test-0002.tar/1.png", "1.PNG"):
        with pytest.raises(OSError, match="no member"):
            source.read(path)


@pytest.mark.parametrize("name", ["wild.tar", "wild.tar.gz", "wild"])
def test_one_tar_file_and_an_unpacked_one_read_alike(tmp_path: Path, name: str) -> None:
    if name == "wild":
        for member, data in PAIR.items():
            (tmp_path / "wild").mkdir(exist_ok=True)
            (tmp_path / "wild" / member).write_bytes(data)
    else:
        pack(tmp_path / name, PAIR, "w:gz" if name.endswith("gz") else "w")
    source, findings = open_location(tmp_path / name)
    assert findings.samples == (Sample("1.png", 0, "", "", "wild"), Sample("2.png", 1, "wild"))
    assert source.read("2.png") == png(2)


def test_equal_keys_in_two_folders_or_tar_files_are_two(tmp_path: Path) -> None:
    pack(tmp_path / "s/0.tar", {"a/1.png": png(1), "a/1.cls": b"0", "b/1.png": png(2), "b/1.cls": b"1"})
    pack(tmp_path / "s/1.tar", {"a/1.png": png(3), "a/1.cls": b"1"})
    source, findings = open_location(tmp_path / "s")
    assert [sample.label for sample in findings.samples] == [0, 1, 1]
    assert [source.read(sample.path) for sample in findings.samples] == [png(1), png(2), png(3)]


def test_an_image_without_a_label_is_left_aside(tmp_path: Path) -> None:
    _, findings = open_location(pack(tmp_path / "s.tar", {**PAIR, "3.png": png(3), "4.npy": b"x"}))
    assert findings.unlabelled == ("3.png",)
    assert findings.notes == ("left aside, neither images nor texts: 1, the first '4.npy'",)


def test_several_images_of_a_key_are_named(tmp_path: Path) -> None:
    """A key ends at the first dot, unless a text has the image's whole name."""
    members = {"1.png": png(1), "1.mask.png": png(2), "1.cls": b"1", "v1.5.png": png(3), "v1.5.cls": b"0"}
    made = pack(tmp_path / "s/0.tar", members)
    _, findings = open_location(made.parent)
    assert [(sample.path, sample.label) for sample in findings.samples] == [
        ("0.tar/1.mask.png", 1),
        ("0.tar/1.png", 1),
        ("0.tar/v1.5.png", 0),
    ]
    (note,) = findings.notes
    assert "1 keys have several images, the first '0.tar/1.mask.png', '0.tar/1.png'" in note
    _, findings = open_location(made.parent, rules=Rules(leave=("**/*.mask.png",)))
    assert [sample.path for sample in findings.samples] == ["0.tar/1.png", "0.tar/v1.5.png"]
    assert findings.notes == ("leave '**/*.mask.png': 1 files, such as '0.tar/1.mask.png'",)


def test_patterns_may_say_the_labels_in_tar_files(tmp_path: Path) -> None:
    pack(tmp_path / "s/coco-0.tar", {"1.png": png(1), "1.txt": b"a cat"})
    pack(tmp_path / "s/sdxl-0.tar", {"1.png": png(2)})
    rules = Rules(real=("coco-*/*",), fake=("{generator}-*/*",))
    source, findings = open_location(tmp_path / "s", rules=rules)
    assert [(sample.label, sample.generator) for sample in findings.samples] == [(0, ""), (1, "sdxl")]
    assert source.read("sdxl-0.tar/1.png") == png(2)
    with pytest.raises(BenchError, match=r"have no labels: no image in them has a text .*'coco-0.tar/1.png'"):
        open_location(tmp_path / "s")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"1.png": b"x", "1.json": fields(caption="a cat")}, "have no labels: no image in them"),
        ({"1.png": b"x", "1.cls": b"7"}, "'7' is no label"),
        ({**PAIR, "1.json": b"{"}, "'0.tar/1.json' is no JSON"),
        ({**PAIR, "1.json": b"[1]"}, "'0.tar/1.json' holds no fields, but a list"),
    ],
)
def test_texts_that_mean_nothing_are_named(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        open_location(pack(tmp_path / "s/0.tar", members).parent)


def test_a_broken_tar_file_is_named(tmp_path: Path) -> None:
    pack(tmp_path / "s/0.tar", PAIR)
    cut = pack(tmp_path / "s/1.tar", PAIR)
    cut.write_bytes(cut.read_bytes()[:3000])
    with pytest.raises(BenchError, match=r"1\.tar' cannot be read as an archive"):
        open_location(cut.parent)


def test_a_tar_file_that_grows_is_read_no_more(tmp_path: Path) -> None:
    made = pack(tmp_path / "s/0.tar", PAIR)
    source, findings = open_location(made.parent)
    paths = [sample.path for sample in findings.samples]
    pack(made, {"3.png": png(3), "3.cls": b"1"}, "a")
    with pytest.raises(OSError, match="was changed while it was in use"):
        source.read(paths[0])
    assert set(take_stock(source, paths).values()) == {FileFacts("")}
    source, findings = open_location(made.parent)
    assert len(findings.samples) == 3
    assert {fact.format for fact in take_stock(source, paths).values()} == {"PNG"}


def test_tar_files_may_be_listed_one_by_one(tmp_path: Path) -> None:
    pack(tmp_path / "a/0.tar", PAIR)
    pack(tmp_path / "b/0.tar", {"3.png": png(3), "3.cls": b"fake"})
    pack(tmp_path / "b/1.tar", {"3.png": png(4), "3.cls": b"fake"})
    source, findings = open_locations([tmp_path / "a/0.tar", tmp_path / "b/0.tar"])
    assert [sample.path for sample in findings.samples] == ["a/0.tar/1.png", "a/0.tar/2.png", "b/0.tar/3.png"]
    assert source.read("b/0.tar/3.png") == png(3)


@pytest.mark.parametrize("place", ["s", "s/0.tar"])
def test_an_index_leads_back_to_the_members(tmp_path: Path, place: str) -> None:
    pack(tmp_path / "s/0.tar", PAIR)
    index(tmp_path / place, tmp_path / "lists/m.csv")
    (source, findings), (listed, same) = (
        open_location(tmp_path / place),
        open_location(tmp_path / "lists/m.csv"),
    )
    assert same.samples == findings.samples
    paths = [sample.path for sample in findings.samples]
    assert take_stock(listed, paths) == take_stock(source, paths)


def test_fields_are_columns_and_their_words_labels(tmp_path: Path) -> None:
    """As Semi-Truths and ELSA keep them: under other names, in numbers and words of their own."""
    members = {}
    for name, method in (("1", "None"), ("2", "sdxl"), ("3", "blend"), ("4", "flux")):
        members |= {f"{name}.jpg": b"x", f"{name}.json": fields(Method=method, mask=[1, 2])}
    made = pack(tmp_path / "s/0.tar", members)
    meant = {"none": "real", "blend": "drop"}
    rules = Rules(columns={"label": "method", "generator": "method"}, labels=meant)
    _, findings = open_location(made.parent, rules=rules)
    assert [(sample.path, sample.label, sample.generator) for sample in findings.samples] == [
        ("0.tar/1.jpg", 0, ""),
        ("0.tar/2.jpg", 1, "sdxl"),
        ("0.tar/4.jpg", 1, "flux"),
    ]
    with pytest.raises(BenchError, match=r"columns and labels are for manifests"):
        open_location(pack(tmp_path / "t.tar", {"real/1.jpg": b"x"}), rules=rules)
