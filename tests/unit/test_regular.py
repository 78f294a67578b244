"""Pipes, sockets, devices and the kernel's files are refused by their kind; to open one may never end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stored_cells import PERFECT, add

from forenbench.cli.pictures import open_image
from forenbench.data.sources.folder import Folder
from forenbench.data.sources.huggingface import open_huggingface
from forenbench.data.sources.locations import open_location
from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.files.remote import DownloadFailed, open_at
from forenbench.imports.score_file import Reading, read_scores
from forenbench.records.store import Store
from forenbench.tables import measure
from forenbench.tables.exports import export
from forenbench.weights import Checkpoint, MissingWeights, Weights

NAMES = ("x.zip", "x.tar", "x.tgz", "x.csv", "x.jsonl", "x.parquet")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("bound")
        yield tmp_path / "bound"


def test_every_kind_has_its_word(tmp_path: Path, pipe: Path, bound: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "link").symlink_to("pipe")
    kinds = {
        tmp_path / "plain": "",
        pipe: "a named pipe",
        tmp_path / "link": "a named pipe",
        bound: "a socket",
        tmp_path: "a folder",
        tmp_path / "broken": "a broken link",
        tmp_path / "absent": "No such file or directory",
        Path("/dev/null"): "a device",
        Path("/proc/version"): "a file of the kernel's",
        Path("a\0b"): "no name of a file",
    }
    assert {path: irregular(path) for path in kinds} == kinds


def ask_weights(path: Path) -> object:
    known = Checkpoint("w", "w.pth", "x", "x")
    return Weights("published", {"w": path}, "cpu", (known,)).path(known)


def ask_download(path: Path) -> object:
    with open_at(path.as_uri(), 0) as stream:
        return stream.read(1)


ASKED: dict[str, Callable[[Path], object]] = {
    "image": lambda path: Folder(path.parent).read(path.name),
    "scores": lambda path: read_scores(path, [Reading()]),
    "weights": ask_weights,
    "download": ask_download,
    "picture": open_image,
    "table of a folder": lambda path: open_huggingface(path.parent, [path.name]),
}


@pytest.mark.parametrize("what", [*ASKED, *NAMES])
def test_a_pipe_is_refused_wherever_a_file_is_asked_for(pipe: Path, what: str) -> None:
    place = pipe.rename(pipe.with_name(what if what in NAMES else "pipe.csv"))
    with pytest.raises((BenchError, OSError, DownloadFailed, MissingWeights), match="a named pipe"):
        ASKED.get(what, open_location)(place)


def test_a_pipe_in_a_run_folder_is_not_waited_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "a", PERFECT)
    whole = measure([store])
    written = export(whole, store.root)
    for name in ("measured.arrows", "tables/made_from.json", written[0]):
        (tmp_path / name).unlink()
        os.mkfifo(tmp_path / name)
        assert list(measure([store])["acc"]) == list(whole["acc"])
        assert export(whole, store.root) == written
        assert not irregular(tmp_path / written[0])
    (rows,) = tmp_path.glob("scores/**/*.parquet")
    for file, words in (
        (rows, "has lost its rows"),
        (rows.with_suffix(".json"), "read: a named pipe"),
    ):
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(BenchError, match=words):
            store.records()
