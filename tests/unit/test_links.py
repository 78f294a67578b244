"""Links are followed, in folders and archives alike, and never round in a circle or out of an archive."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from forenbench.cli.index import index
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.data.sources import links
from forenbench.data.sources.folder import list_files
from forenbench.data.sources.links import follow
from forenbench.data.sources.locations import open_location
from forenbench.errors import BenchError
from forenbench.testing import tiny_image


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_shared(root: Path, generators: tuple[str, ...], linked: Mapping[str, str]) -> Path:
    """Write generators whose reals are one pool: folders, and links by path to what each says."""
    for number in range(3):
        for place in ("pool", *(f"{name}/1_fake" for name in generators)):
            (root / place).mkdir(parents=True, exist_ok=True)
            tiny_image(number + len(place)).save(root / place / f"{number}.png")
    for path, target in linked.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    return root


SHARED = {"glide/0_real": "../pool", "ldm/0_real": "../pool", "sdxl/0_real/0.png": "../../pool/0.png"}
GENERATORS = ("glide", "ldm", "sdxl")


def pack(root: Path, kind: str) -> Path:
    """Pack a folder with its links as links, as ``tar`` and ``zip -y`` do."""
    made = root.with_name(f"{root.name}.{kind}")
    if kind == "tar":
        with tarfile.open(made, "w") as archive:
            archive.add(root, "")
        return made
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                info = zipfile.ZipInfo(name)
                info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, str(path.readlink()))
            elif path.is_file():
                archive.write(path, name)
    return made


def counted(dataset: Dataset) -> dict[str, tuple[int, int]]:
    labels = {t.name: Counter(s.label for s in t.samples) for t in dataset.testsets}
    return {name: (number[0], number[1]) for name, number in labels.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_a_folder_that_several_generators_link_to_is_read_for_each(tmp_path: Path, kind: str) -> None:
    root = write_shared(tmp_path / "bench", GENERATORS, SHARED)
    (folder,) = open_dataset(str(root), data_root=tmp_path)
    assert counted(folder) == {"glide": (3, 3), "ldm": (3, 3), "sdxl": (1, 3)}
    place = root if kind == "folder" else pack(root, kind)
    (dataset,) = open_dataset(str(place), data_root=tmp_path)
    assert [(t.name, t.samples, t.digest) for t in dataset.testsets] == [
        (t.name, t.samples, t.digest) for t in folder.testsets
    ]
    index(place, tmp_path / "m.csv")
    (listed,) = open_dataset(str(tmp_path / "m.csv"), data_root=tmp_path)
    assert [(t.name, t.digest) for t in listed.testsets] == [(t.name, t.digest) for t in folder.testsets]


def test_the_order_in_which_a_file_system_lists_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_shared(tmp_path / "bench", GENERATORS, SHARED)
    (before,) = open_dataset(str(root), data_root=tmp_path)
    files = list(list_files(root))
    listed = os.scandir

    class Backwards:
        def __init__(self, folder: str) -> None:
            with listed(folder) as found:
                self.found = sorted(found, key=lambda one: one.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.found

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    assert list(list_files(root)) == files
    (after,) = open_dataset(str(root), data_root=tmp_path)
    assert [t.digest for t in after.testsets] == [t.digest for t in before.testsets]


def test_two_file_systems_filled_in_opposite_orders_give_the_same_digests(tmp_path: Path) -> None:
    """They list folders as they like: by hash, or the last one made first."""
    memory, generators = Path("/dev/shm"), ("glide", "é 😀", "写真")
    linked = {"glide/0_real": "../pool", "写真/0_real": "../pool", "é 😀/0_real/a.png": "../../pool/3.png"}
    folders = ("pool", *(f"{name}/1_fake" for name in generators))
    files = [*(f"{folder}/{at} é.png" for folder in folders for at in range(9)), "pool/3.png", *linked]
    found = []
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as other:
        for place, step in ((tmp_path, 1), (Path(other, "forth"), 1), (Path(other, "back"), -1)):
            for file in files[::step]:
                path = place / "bench" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                if file in linked:
                    path.symlink_to(linked[file])
                else:
                    tiny_image(files.index(file)).save(path)
            index(place / "bench", place / "m.csv")
            opened = [open_dataset(str(place / one), data_root=tmp_path)[0] for one in ("bench", "m.csv")]
            digests = [[(t.name, t.samples, t.digest) for t in one.testsets] for one in opened]
            found.append(((place / "m.csv").read_bytes(), digests))
    assert found[0] == found[1] == found[2]
    assert [name for name, *_ in found[0][1][0]] == list(generators)


@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_a_link_back_to_a_folder_above_it_is_no_second_copy(tmp_path: Path, kind: str) -> None:
    loops = {
        "glide/up": "..",
        "glide/1_fake/again": ".",
        "pool/to": "../ldm",
        "ldm/1_fake/back": "../../pool",
    }
    root = write_shared(tmp_path / "bench", ("glide", "ldm"), loops)
    place = root if kind == "folder" else pack(root, kind)
    _, findings = open_location(place)
    paths = sorted([*(sample.path for sample in findings.samples), *findings.unlabelled])
    numbers = Counter(path.rpartition("/")[0] for path in paths)
    assert numbers == {
        "glide/1_fake": 3,
        "ldm/1_fake": 3,
        "ldm/1_fake/back": 3,  # the pool by another way, but not the pool's way back to ldm
        "pool": 3,
        "pool/to/1_fake": 3,
    }


def test_a_link_to_a_folder_above_the_dataset_is_no_part_of_it(tmp_path: Path) -> None:
    root = write_shared(
        tmp_path / "own/bench", ("glide",), {"glide/0_real": "../..", "sdxl/0_real": "../pool"}
    )
    (tmp_path / "own/notes.txt").touch()
    assert {path.rpartition("/")[0] for path in list_files(root)} == {"glide/1_fake", "pool", "sdxl/0_real"}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_link_out_of_an_archive_is_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    out = {
        "glide/0_real/host.png": "/etc/hostname",
        "glide/0_real/up.png": "../../../secret.png",
        "glide/0_real/gone.png": "nowhere.png",
        "glide/0_real/None": "/",
        "glide/0_real/one.png": "two.png",
        "glide/0_real/two.png": "one.png",
    }
    (tmp_path / "secret.png").write_bytes(b"secret")
    root = write_shared(tmp_path / "bench", ("glide",), out)
    (root / "None").mkdir()
    (root / "None/x.png").touch()  # no link leads there
    source, findings = open_location(pack(root, kind))
    assert [s.path for s in findings.samples if s.label == 0] == sorted(out)
    for path in out:
        with pytest.raises(OSError, match="a link that leads out of the archive, or to nothing in it"):
            source.read(path)


def test_a_hard_link_in_a_tar_file_is_seen_from_the_top(tmp_path: Path) -> None:
    root = write_shared(tmp_path / "bench", ("glide",), {})
    (root / "glide/0_real").mkdir()
    os.link(root / "pool/0.png", root / "glide/0_real/hard.png")
    source, findings = open_location(pack(root, "tar"))
    assert source.read("glide/0_real/hard.png") == (root / "pool/0.png").read_bytes()
    assert [s.path for s in findings.samples if s.label == 0] == ["glide/0_real/hard.png"]


def test_a_link_with_files_below_it_is_refused(tmp_path: Path) -> None:
    made = pack(write_shared(tmp_path / "bench", ("glide",), {"glide/0_real": "../pool"}), "tar")
    with tarfile.open(made, "a") as archive:
        archive.addfile(tarfile.TarInfo("glide/0_real/x.png"))
    with pytest.raises(BenchError, match=r"holds 'glide/0_real' twice"):
        open_location(made)


def test_paths_are_followed_part_by_part() -> None:
    said = {"a": "b/c", "b/c": "../d", "x/y": "../a/e", "loop": "loop", "out": "../..", "abs": "/etc"}
    found = {path: follow(path, said) for path in ("a/f", "x/y", "x/./z", "loop", "out", "abs", "a/../g")}
    assert found == {
        "a/f": "d/f",
        "x/y": "d/e",
        "x/./z": "x/z",
        "loop": None,
        "out": None,
        "abs": None,
        "a/../g": "g",
    }


def test_links_to_links_to_links_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty folders, each with two links to the next, lead to a million files."""
    monkeypatch.setattr(links, "_MOST_LINKED", 1000)
    for number in range(20):
        folder = tmp_path / f"bomb/{number}"
        folder.mkdir(parents=True)
        for name in ("a", "b"):
            (folder / name).symlink_to(f"../{number + 1}")
    with pytest.raises(BenchError, match="lead to more than 1,000 files; remove those"):
        list(list_files(tmp_path / "bomb"))


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BenchError, match="cannot be read: Permission denied"):
        list(list_files(tmp_path))
