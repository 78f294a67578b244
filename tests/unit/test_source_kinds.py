"""Sources of files and packages: opened by whom it is said, read by every process, and trusted in nothing."""

from __future__ import annotations

import os
import pickle
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from stored_cells import record

from forenbench import registry
from forenbench.data.catalogue import open_dataset
from forenbench.data.finding import find_files
from forenbench.data.inventory import take_stock
from forenbench.data.sources.locations import open_location
from forenbench.data.sources.source_kinds import GuestSource, is_there
from forenbench.errors import BenchError
from forenbench.records.dataset_paths import find_datasets
from forenbench.registry.plugin_files import read_plugin
from forenbench.testing import tiny_image

MINE = """
from forenbench.types import Sample

class Mine:
    name, description = "mine", "files one after the other"

    @staticmethod
    def recognises(place):
        return place.suffix == ".mine"

    def __init__(self, place):
        self.parts = place.read_bytes().split(b"|||")

    def samples(self):
        return [Sample(f"{i}.png", i % 2, "g" if i % 2 else "") for i in range(len(self.parts))]

    def read(self, path):
        return self.parts[int(path[:-4])]
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    parts = []
    for seed in range(4):
        tiny_image(seed).save(tmp_path / "one.png")
        parts.append((tmp_path / "one.png").read_bytes())
    (tmp_path / "images.mine").write_bytes(b"|||".join(parts))
    return tmp_path / "images.mine"


def write(folder: Path, text: str = MINE) -> str:
    (folder / "mine.py").write_text(text)
    return str(folder / "mine.py")


def install(folder: Path, patch: pytest.MonkeyPatch, texts: dict[str, str]) -> None:
    points = []
    for name, text in texts.items():
        (folder / f"{name}_of_test.py").write_text(text)
        points.append(EntryPoint(name, f"{name}_of_test:Mine", "forenbench.sources"))
    patch.syspath_prepend(str(folder))
    patch.setattr(registry, "entries_of", lambda group: points if group == points[0].group else [])


def test_a_dataset_of_a_file_is_found_again_by_what_its_record_says(place: Path) -> None:
    request = f"{write(place.parent)}:{place}"
    (dataset,) = open_dataset(request, data_root=Path("data"))
    assert (dataset.name, [one.name for one in dataset.testsets]) == ("images", ["g"])
    assert any("opened by file" in note for note in dataset.notes)
    found = dataset.testsets[0].found
    (again,) = find_datasets([record("images", found=found)], [], Path("data")).values()
    source, findings = find_files(again.spec, again.data_root)
    assert source.read(findings.samples[1].path) == dataset.testsets[0].source.read("1.png")
    place.unlink()
    assert not is_there(Path(request))


def test_a_copy_in_another_process_opens_the_place_itself(place: Path) -> None:
    source, _ = open_location(Path(f"{write(place.parent)}:{place}"))
    sent = pickle.dumps(source)
    Path(write(place.parent, "1 / 0\n"))
    assert pickle.loads(sent).read("2.png") == source.read("2.png")


def test_what_is_remembered_of_images_holds_for_place_and_code(place: Path) -> None:
    def marks() -> set[str]:
        source, _ = open_location(Path(f"{write(place.parent, text)}:{place}"))
        return {stamp.mark for stamp in source.stamps(["0.png", "1.png"]).values()}

    text = MINE
    first = marks()
    text = MINE + "# changed\n"
    second = marks()
    place.write_bytes(place.read_bytes() + b"|||")
    third = marks()
    assert len(first | second | third) == 3


def test_what_a_plugin_keeps_is_not_remembered_of_what_is_put_in_its_place(place: Path) -> None:
    opened, findings = open_location(Path(f"{write(place.parent)}:{place}"))
    paths = [sample.path for sample in findings.samples]
    place.write_bytes(b"|||".join(reversed(place.read_bytes().split(b"|||"))))
    before = take_stock(opened, paths)
    again, _ = open_location(Path(f"{write(place.parent)}:{place}"))
    assert list(take_stock(again, paths).values()) == list(reversed(before.values()))


def test_a_folder_is_looked_at_file_by_file(tmp_path: Path) -> None:
    """The time of a folder says nothing of what is written into its files."""
    inner = tmp_path / "place" / "deep"
    inner.mkdir(parents=True)
    (inner / "data").write_text("a")
    file = read_plugin(write(tmp_path), "source")
    source = GuestSource(file, file.sha256, tmp_path / "place")
    before = source.stamps(["0"])["0"].mark
    times = inner.stat()
    (inner / "data").write_text("bc")
    os.utime(inner, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert source.stamps(["0"])["0"].mark != before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def samples", "def sample", r"it must define one \(.* has no method 'samples'\)"),
        ("i % 2,", "'real',", "is no Sample with a label"),
        ('f"{i}.png"', '"x.png"', "two samples have one path"),
        ("range(len(self.parts))", "()", "holds no image with a label"),
        ("self.parts = place", "exit(); self.parts = place", r"cannot be opened by file.*sys\.exit"),
        ("return [Sample", "return 1 / 0 or [Sample", "cannot be opened by file.*ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_keep_the_contract_is_refused_by_name(
    place: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        open_location(Path(f"{write(place.parent, MINE.replace(old, new))}:{place}"))


@pytest.mark.parametrize("read", ["None", "'text'", "1 / 0", "exit()"])
def test_an_image_that_cannot_be_read_is_an_error_of_its_own(place: Path, read: str) -> None:
    text = MINE.replace("self.parts[int(path[:-4])]", read)
    source, _ = open_location(Path(f"{write(place.parent, text)}:{place}"))
    with pytest.raises(OSError, match=r"cannot read 0\.png in '.*images\.mine'"):
        source.read("0.png")


def test_a_package_opens_what_it_recognises_and_nothing_else(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(place.parent, monkeypatch, {"one": MINE, "broken": "1 / 0\n"})
    source, findings = open_location(place)
    assert findings.notes == ("opened by source 'one' of package one_of_test:Mine",)
    assert pickle.loads(pickle.dumps(source)).read("3.png") == source.read("3.png")
    with pytest.raises(BenchError, match=r"is not a folder.*source 'broken' .*cannot be used: ZeroDivision"):
        open_location(place.parent / "mine.py") if write(place.parent) else None


def test_a_place_that_two_packages_recognise_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(place.parent, monkeypatch, {"first": MINE, "second": MINE})
    with pytest.raises(BenchError, match=r"opened by source 'first'.*and by source 'second'.*uninstall one"):
        open_location(place)
