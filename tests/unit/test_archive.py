"""An archive reads like the folder that would come out of it, and a bad one is named, never trusted."""

from __future__ import annotations

import gzip
import io
import multiprocessing
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forenbench.data.inventory import FileFacts, take_stock
from forenbench.data.sources.archive import Archive
from forenbench.data.sources.folder import Folder, find_samples, list_files
from forenbench.data.sources.gzipped import SeekableGzip
from forenbench.data.sources.locations import open_location, open_locations
from forenbench.errors import BenchError
from forenbench.testing import tiny_image, write_tiny_dataset

Files = Mapping[str, bytes]


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    tiny_image(seed).save(buffer, format="PNG")
    return buffer.getvalue()


def write_zip(file: Path, files: Files, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file


def write_tar(file: Path, files: Files) -> Path:
    with tarfile.open(file, "w:gz" if file.suffix in (".gz", ".tgz") else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file


def write(file: Path, files: Files) -> Path:
    return (write_zip if file.suffix == ".zip" else write_tar)(file, files)


PAIR = {"g/0_real/a.png": png(1), "g/1_fake/b.png": png(2)}
KINDS = pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz", ".ZIP"])
@pytest.mark.parametrize("top", ["", "./", "tiny/"])
def test_an_archive_reads_like_its_folder(tmp_path: Path, suffix: str, top: str) -> None:
    folder = tmp_path / "tiny"
    write_tiny_dataset(folder, images=3)
    files = {top + path: (folder / path).read_bytes() for path in list_files(folder)}
    made = (write_zip if suffix.lower() == ".zip" else write_tar)(tmp_path / f"tiny{suffix}", files)
    source, findings = open_location(made)
    assert findings == find_samples(folder)
    paths = [sample.path for sample in findings.samples]
    assert take_stock(source, paths) == take_stock(Folder(folder), paths)


@KINDS
def test_hidden_and_system_files_are_passed_over(tmp_path: Path, suffix: str) -> None:
    rest = dict.fromkeys(
        ("__MACOSX/g/0_real/._a.png", "g/0_real/.x.png", ".git/real/a", "g/0_real/Thumbs.db"), b"x"
    )
    _, findings = open_location(write(tmp_path / f"x{suffix}", {**PAIR, **rest, "readme.txt": b"x"}))
    assert [sample.path for sample in findings.samples] == list(PAIR)
    assert findings.unlabelled == ("readme.txt",)


@KINDS
@pytest.mark.parametrize("name", ["/g/0_real/x.png", "../g/0_real/x.png", "g/0_real/../../../x.png"])
def test_names_that_lead_out_are_refused(tmp_path: Path, suffix: str, name: str) -> None:
    made = write(tmp_path / f"x{suffix}", {**PAIR, name: png(3)})
    with pytest.raises(BenchError, match=f"not to be trusted: it holds '{name}'"):
        open_location(made)


@KINDS
def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    made = write(tmp_path / f"x{suffix}", PAIR)
    whole = made.read_bytes()
    for length in {*range(0, len(whole) - 20, 512), len(whole) // 2}:
        made.write_bytes(whole[:length])
        if suffix == ".tar" and not any(whole[length:]):
            continue  # only the filling behind the end is lost
        with pytest.raises(BenchError, match="broken, cut off or one part of several"):
            open_location(made)


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tgz"])
def test_what_is_no_archive_or_absent_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchError, match=f"no archive at '.*{name}'"):
        open_location(tmp_path / name)
    (tmp_path / name).write_bytes(png(1))
    with pytest.raises(BenchError, match="cannot be read as an archive"):
        open_location(tmp_path / name)


def test_an_archive_without_labels_or_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is empty"):
        open_location(write(tmp_path / "empty.zip", {}))
    with pytest.raises(BenchError, match=r"holds 1 files, none below a folder named"):
        open_location(write(tmp_path / "x.zip", {"photos/a.png": png(1)}))


def change_directory(file: Path, at: int, value: bytes) -> None:
    """Change a field of the first entry in a zip file's central directory."""
    data = bytearray(file.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + at : entry + at + len(value)] = value
    file.write_bytes(data)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    made = write(tmp_path / "x.zip", PAIR)
    change_directory(made, 8, b"\x01\x00")  # general purpose flags, bit 0
    with pytest.raises(BenchError, match=r"is encrypted, 'g/0_real/a.png' for one; unpack it"):
        open_location(made)


def test_a_member_that_claims_gigabytes_is_not_inflated(tmp_path: Path) -> None:
    made = write(tmp_path / "x.zip", PAIR)
    change_directory(made, 24, (0x7FFFFFFF).to_bytes(4, "little"))  # uncompressed size
    source, _ = open_location(made)
    with pytest.raises(OSError, match="2147483647 bytes, more than the limit"):
        source.read("g/0_real/a.png")


def test_broken_members_become_unreadable_rows(tmp_path: Path) -> None:
    made = write_zip(tmp_path / "x.zip", PAIR, zipfile.ZIP_STORED)
    data = made.read_bytes()
    made.write_bytes(data.replace(PAIR["g/0_real/a.png"][-20:], bytes(20), 1))
    source, findings = open_location(made)
    with pytest.raises(OSError, match=r"cannot read g/0_real/a.png in '.*x.zip': BadZipFile: Bad CRC-32"):
        source.read("g/0_real/a.png")
    facts = take_stock(source, [sample.path for sample in findings.samples])
    assert facts["g/0_real/a.png"] == FileFacts("")
    assert facts["g/1_fake/b.png"].format == "PNG"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_path_that_is_there_twice_is_refused(tmp_path: Path, suffix: str) -> None:
    made = tmp_path / f"x{suffix}"
    with zipfile.ZipFile(made, "w") if suffix == ".zip" else tarfile.open(made, "w") as archive:
        for name in ("g/0_real/a.png", "./g/0_real/a.png"):
            if isinstance(archive, zipfile.ZipFile):
                archive.writestr(name, b"x")
            else:
                archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(BenchError, match=r"holds 'g/0_real/a.png' twice"):
        open_location(made)


def test_links_in_a_tar_file_lead_to_other_members_only(tmp_path: Path) -> None:
    made = write(tmp_path / "x.tar", PAIR)
    with tarfile.open(made, "a") as archive:
        for name, kind, target in (
            ("h/0_real/hard.png", tarfile.LNKTYPE, "g/0_real/a.png"),
            ("h/1_fake/soft.png", tarfile.SYMTYPE, "../../g/1_fake/b.png"),
            ("h/1_fake/out.png", tarfile.SYMTYPE, "/etc/hostname"),
            ("h/1_fake/pipe.png", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    source, findings = open_location(made)
    assert len(findings.samples) == 6
    assert source.read("h/0_real/hard.png") == PAIR["g/0_real/a.png"]
    assert source.read("h/1_fake/soft.png") == PAIR["g/1_fake/b.png"]
    for path in ("h/1_fake/out.png", "h/1_fake/pipe.png", "h/1_fake/absent.png"):
        with pytest.raises(OSError, match="cannot read"):
            source.read(path)


def test_backslashes_of_a_zip_file_made_on_windows_are_separators(tmp_path: Path) -> None:
    """On a Unix they are letters, and what unpacks there has them in names."""
    for system, expected in ((0, ["0_real", "1_fake"]), (3, [])):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            for name in ("sdxl\\", "sdxl\\0_real\\a.png", "sdxl\\1_fake\\b.png", "g/1_fake/c\\d.png"):
                info = zipfile.ZipInfo("x")
                info.filename, info.create_system = name, system
                archive.writestr(info, b"" if name.endswith("\\") else png(1))
        source, findings = open_location(tmp_path / "x.zip")
        made = [s.path for s in findings.samples if s.generator == "sdxl"]
        assert [path.split("/")[1] for path in made] == expected
        assert all(source.read(path) == png(1) for path in made)
        assert ("g/1_fake/c\\d.png" in [s.path for s in findings.samples]) == (system == 3)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = "g\\..\\..\\0_real\\a.png", 0
        archive.writestr(info, b"x")
    with pytest.raises(BenchError, match="not to be trusted"):
        open_location(tmp_path / "x.zip")


def read_all(source: Archive, expected: Files, times: int = 3) -> bool:
    return all(source.read(path) == data for _ in range(times) for path, data in expected.items())


@KINDS
def test_threads_pickled_copies_and_forks_read_the_same(tmp_path: Path, suffix: str) -> None:
    files = {f"g/{'0_real' if i % 2 else '1_fake'}/{i}.png": png(i) * (i % 5 + 1) for i in range(30)}
    source, _ = open_location(write(tmp_path / f"x{suffix}", files))
    assert isinstance(source, Archive)
    copy = pickle.loads(pickle.dumps(source))
    with ThreadPoolExecutor(4) as readers:
        assert all(readers.map(lambda one: read_all(one, files), [source, source, copy, copy]))
    check = partial(read_all, source, files, 30)
    fork = multiprocessing.get_context("fork").Process(target=exit_unless, args=(check,))
    fork.start()
    assert check()
    fork.join()
    assert fork.exitcode == 0


def exit_unless(check: Callable[[], bool]) -> None:
    if not check():
        raise SystemExit(1)


def test_a_changed_archive_is_read_again(tmp_path: Path) -> None:
    """A tar file has no checksums of its members: sizes and times may be the same as before."""
    made = write_tar(tmp_path / "x.tar", {"g/0_real/a": b"one", "g/1_fake/b": b"two"})
    paths = ["g/0_real/a", "g/1_fake/b"]
    before = take_stock(open_location(made)[0], paths)
    write_tar(made, {"g/0_real/a": b"two", "g/1_fake/b": b"one"})
    os.utime(made, (1, 1))
    after = take_stock(open_location(made)[0], paths)
    assert list(after.values()) == list(reversed(before.values()))


def test_what_is_read_of_an_open_archive_is_not_remembered_of_the_one_put_in_its_place(
    tmp_path: Path,
) -> None:
    made = write(tmp_path / "a.tar", {"g/0_real/a.png": b"one", "g/1_fake/b.png": b"two"})
    opened, findings = open_location(made)
    paths = [sample.path for sample in findings.samples]
    write(tmp_path / "other.tar", {"g/0_real/a.png": b"two", "g/1_fake/b.png": b"one"}).rename(made)
    before = take_stock(opened, paths)
    assert list(take_stock(open_location(made)[0], paths).values()) == list(reversed(before.values()))


@pytest.mark.parametrize("suffixes", [(".zip", ".zip"), (".zip", ".tar.gz")])
def test_several_archives_are_one_dataset(tmp_path: Path, suffixes: tuple[str, str]) -> None:
    pieces = {"g": PAIR, "f": {"f/1_fake/c.png": png(3), "f/notes.txt": b"x"}}
    made = [write(tmp_path / f"{n}{s}", pieces[n]) for n, s in zip(pieces, suffixes, strict=True)]
    source, findings = open_locations(made)
    assert [(s.path, s.generator) for s in findings.samples] == [
        ("f/1_fake/c.png", "f"),
        ("g/0_real/a.png", "g"),
        ("g/1_fake/b.png", "g"),
    ]
    assert findings.unlabelled == ("f/notes.txt",)
    assert [source.read(s.path) for s in findings.samples] == [png(3), png(1), png(2)]
    facts = take_stock(pickle.loads(pickle.dumps(source)), [s.path for s in reversed(findings.samples)])
    assert list(facts) == [s.path for s in reversed(findings.samples)]


def test_a_path_in_none_of_several_archives_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Rows of a run name files of archives that are no longer given."""
    made = [write(tmp_path / "g.zip", PAIR), write(tmp_path / "f.zip", {"f/1_fake/c.png": png(3)})]
    source, _ = open_locations(made)
    facts = take_stock(source, ["gone.png", "f/1_fake/c.png"])
    assert [bool(fact.sha256) for fact in facts.values()] == [False, True]


def test_a_path_in_two_archives_is_refused(tmp_path: Path) -> None:
    made = [write(tmp_path / name, PAIR) for name in ("one.zip", "two.zip")]
    with pytest.raises(BenchError, match=r"two of the archives hold 'g/0_real/a.png'"):
        open_locations(made)


NOISE = np.random.RandomState(0).bytes(3_000_000)
"""Does not shrink, so that the inflater keeps states; a second stream and filling zeros follow it."""
GZIPPED = gzip.compress(NOISE, 1) + gzip.compress(bytes(200_000) + NOISE[:500_000], 1) + bytes(100)
PLAIN = NOISE + bytes(200_000) + NOISE[:500_000]


@example([(len(PLAIN), 1)])
@given(st.lists(st.tuples(st.integers(0, len(PLAIN) + 10), st.integers(0, 100_000)), max_size=8))
def test_gzip_is_read_at_any_place(
    tmp_path_factory: pytest.TempPathFactory, reads: list[tuple[int, int]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "noise.gz"
    if not file.exists():
        file.write_bytes(GZIPPED)
    with file.open("rb") as opened:
        reader = io.BufferedReader(SeekableGzip(opened))
        for place, size in reads:
            reader.seek(place)
            assert reader.read(size) == PLAIN[place : place + size]
