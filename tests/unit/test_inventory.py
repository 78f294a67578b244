"""Files are read once, however often they are asked for, and again when they may have changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from forenbench import images
from forenbench.data.inventory import FileFacts, forget, formats, take_stock
from forenbench.data.sources.folder import Folder
from forenbench.errors import BenchError
from forenbench.files.places import cache_folder
from forenbench.testing import tiny_image
from forenbench.types import Stamp


class Listening:
    """A folder that notes what is read."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        self.heard: list[str] = []

    def read(self, path: str) -> bytes:
        self.heard.append(path)
        return self.folder.read(path)

    def stamps(self, paths: Sequence[str]) -> dict[str, Stamp]:
        return self.folder.stamps(paths)

    def take(self, *paths: str) -> tuple[dict[str, FileFacts], list[str]]:
        self.heard.clear()
        return take_stock(self, paths), sorted(self.heard)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listening:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    tiny_image(1, 12, 34).convert("L").save(tmp_path / "data" / "grey.png")
    tiny_image(2).save(tmp_path / "data" / "colour.jpg", format="JPEG")
    (tmp_path / "data" / "text").write_bytes(b"no image")
    return Listening(tmp_path / "data")


ALL = ("text", "grey.png", "colour.jpg")


def test_facts_are_those_of_the_files(source: Listening) -> None:
    facts, _ = source.take(*ALL)
    data = source.folder.read("grey.png")
    assert list(facts) == list(ALL)
    assert facts["grey.png"] == FileFacts(sha256(data).hexdigest(), "PNG", "L", 12, 34, len(data))
    assert (facts["colour.jpg"].format, facts["colour.jpg"].mode) == ("JPEG", "RGB")
    assert facts["text"] == FileFacts(sha256(b"no image").hexdigest(), bytes=8)


def test_what_is_known_is_not_read_again(source: Listening) -> None:
    first, read = source.take(*ALL)
    assert read == sorted(ALL)
    assert source.take(*ALL) == (first, [])
    linked = Path(f"{source.folder.root}-link")
    linked.symlink_to(source.folder.root)
    assert Listening(linked).take(*ALL) == (first, [])


def test_a_changed_file_is_read_again(source: Listening) -> None:
    before, _ = source.take(*ALL)
    file = source.folder.root / "text"
    for content, time in ((b"no  image", 1), (b"no_image!", 2)):
        file.write_bytes(content)
        os.utime(file, (time, time))
        facts, read = source.take(*ALL)
        assert read == ["text"]
        assert facts == {**before, "text": FileFacts(sha256(content).hexdigest(), bytes=9)}


def rewrite(file: Path, content: bytes) -> None:
    """Change a file and leave its size and its time as they were."""
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_file_changed_under_the_same_size_and_time_is_read_again(source: Listening) -> None:
    before, _ = source.take(*ALL)
    rewrite(source.folder.root / "text", b"on image")
    facts, read = source.take(*ALL)
    assert read == ["text"]
    assert facts == {**before, "text": FileFacts(sha256(b"on image").hexdigest(), bytes=8)}


def test_a_file_put_in_place_of_another_of_the_same_size_and_time_is_read(source: Listening) -> None:
    source.take("text")
    file, other = source.folder.root / "text", source.folder.root / "other"
    other.write_bytes(b"on image")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.rename(file)
    assert source.take("text")[0]["text"].sha256 == sha256(b"on image").hexdigest()


def memory() -> sqlite3.Connection:
    return sqlite3.connect(cache_folder() / "inventory.sqlite")


def changed(value: int | str | bytes) -> int | bytes:
    """Another value: of text, one that is no UTF-8; of a seal, which is random, its first byte by one bit."""
    if isinstance(value, int):
        return value + 1
    return bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) else b"\xff" + value[1:].encode()


def test_no_remembered_value_that_was_changed_is_believed(source: Listening) -> None:
    """Neither a changed value of one file, nor the whole row of another."""
    first, _ = source.take(*ALL)
    with closing(memory()) as opened:
        columns = [row[1] for row in opened.execute("PRAGMA table_info(files)")]
        rows = opened.execute("SELECT * FROM files").fetchall()
    assert len(rows) == len(ALL)
    for column in columns[1:]:
        with closing(memory()) as opened:
            for row in rows:
                value = dict(zip(columns, row, strict=True))[column]
                new = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
                opened.execute(f"UPDATE files SET {column} = {new} WHERE key = ?", (changed(value), row[0]))
            opened.commit()
        assert source.take(*ALL) == (first, sorted(ALL)), column
    with closing(memory()) as opened:
        (key, *_), (_, *facts), _ = rows
        opened.execute("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (key, *facts))
        opened.commit()
    assert len(source.take(*ALL)[1]) == 1


def test_what_was_no_image_is_looked_at_again_by_another_reader(
    source: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.take(*ALL)
    for name, value in (("FORMATS", ("GIF",)), ("_VERSION", 99), ("FORENBENCH_MAX_PIXELS", "5")):
        if name.isupper() and name not in vars(images):
            monkeypatch.setenv(name, str(value))
        else:
            monkeypatch.setattr(images, name, value)
        assert source.take(*ALL)[1] == ["text"]
        assert source.take(*ALL)[1] == []


def test_what_is_to_be_forgotten_is_read_again(source: Listening) -> None:
    source.take(*ALL)
    forget(source, ["text", "grey.png", "never there"])
    assert source.take(*ALL)[1] == ["grey.png", "text"]


def test_what_should_have_another_content_is_read_again_before_it_is_refused(source: Listening) -> None:
    """A file may have been put right in a way that its stamp does not tell."""
    stamps, promised = source.stamps, sha256(b"on image").hexdigest()
    source.stamps = lambda paths: {  # type: ignore[method-assign]
        path: replace(stamp, mark="same", sha256=promised) for path, stamp in stamps(paths).items()
    }
    with pytest.raises(BenchError, match="not what its manifest or list says"):
        source.take("text")
    rewrite(source.folder.root / "text", b"on image")
    assert source.take("text")[0]["text"].sha256 == promised
    assert source.take("text")[1] == []


def test_files_that_are_gone_are_not_called_no_images(source: Listening) -> None:
    facts = [*source.take("text", "gone", "grey.png")[0].values()]
    assert list(formats(facts)) == ["not an image", "missing or not readable", "PNG"]


def test_what_cannot_be_read_is_tried_again(source: Listening) -> None:
    assert source.take("later", "text")[0]["later"] == FileFacts("")
    (source.folder.root / "later").write_bytes(b"x")
    facts, read = source.take("later", "text")
    assert (facts["later"].bytes, read) == (1, ["later"])


def test_a_stopped_run_keeps_what_it_has_read(source: Listening, tmp_path: Path) -> None:
    paths = [f"{i}.txt" for i in range(1200)]
    for path in paths:
        (source.folder.root / path).write_bytes(path.encode())
    done = 0

    def stop(more: int) -> None:
        nonlocal done
        done += more
        if done == 1100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_stock(source, paths, stop)
    facts, read = source.take(*paths)
    assert len(read) <= 200
    assert [fact.bytes for fact in facts.values()] == [len(path) for path in paths]


def test_what_a_run_scores_first_is_read_last_and_so_still_in_the_systems_cache(source: Listening) -> None:
    paths = [f"{i:04d}.txt" for i in range(1200)]
    for path in paths:
        (source.folder.root / path).write_bytes(path.encode())
    facts = take_stock(source, paths)
    assert list(facts) == paths
    assert sorted(source.heard) == paths
    assert sorted(source.heard[:500]) == paths[-500:]
    assert sorted(source.heard[-200:]) == paths[:200]
    assert max(map(source.heard.index, paths[-500:-300])) < 300  # in their order, but for the threads


def test_other_runs_need_not_wait_for_a_long_one(source: Listening) -> None:
    """The memory is locked while it is written only, not while files are read."""
    for i in range(600):
        (source.folder.root / str(i)).write_bytes(b"x")
    done = 0

    def write_from_elsewhere(more: int) -> None:
        nonlocal done
        done += more
        if done % 150 == 0:
            with sqlite3.connect(cache_folder() / "inventory.sqlite", timeout=0) as memory:
                memory.execute("INSERT OR REPLACE INTO files (key) VALUES ('other')")
            memory.close()

    take_stock(source, [str(i) for i in range(600)], write_from_elsewhere)
    assert done == 600


def test_a_cache_folder_that_cannot_be_made_is_named(
    source: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(BenchError, match=r"cannot be made: .*file.*XDG_CACHE_HOME names another"):
        source.take(*ALL)


def test_what_is_remembered_by_another_version_in_another_way_is_named(source: Listening) -> None:
    cache_folder().mkdir(parents=True, exist_ok=True)
    with closing(memory()) as opened:
        opened.execute(
            "CREATE TABLE files (key BLOB PRIMARY KEY, seal BLOB, sha256 TEXT, size INTEGER, a, b, c, d)"
        )
        key = source.stamps(["text"])["text"].key
        opened.execute("INSERT INTO files VALUES (?, 1, 2, 3, 4, 5, 6, 7)", (key,))
        opened.commit()
    with pytest.raises(
        BenchError, match=r"inventory.sqlite', .* is of no use: no such column: format. Delete it"
    ):
        source.take(*ALL)


def test_a_file_that_cannot_be_looked_at_is_read_each_time(
    source: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a mark nothing tells whether it is still the same."""
    unmarked = {path: Stamp(path.encode(), "") for path in ALL}
    monkeypatch.setattr(source, "stamps", lambda paths: unmarked)
    for _ in range(2):
        assert source.take(*ALL)[1] == sorted(ALL)


def test_a_memory_that_is_none_is_named(source: Listening) -> None:
    cache_folder().mkdir(parents=True, exist_ok=True)
    (cache_folder() / "inventory.sqlite").write_bytes(b"no data base at all" * 99)
    with pytest.raises(BenchError, match=r"inventory.sqlite', .* is of no use: .*Delete it"):
        source.take(*ALL)
