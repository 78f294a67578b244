"""Any names have files of their own, on any file system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from socket import gethostname

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forenbench.files.atomic import replacing, sweep
from forenbench.files.file_names import cell_names, file_name
from forenbench.types import Cell

NAMES = st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True)


def folded(name: str) -> str:
    """Spell a file name as the coarsest file system compares it: no case, one normal form, no end in dots."""
    return unicodedata.normalize("NFKC", file_name(name)).casefold().rstrip(" .")


@given(NAMES)
@example(["GAN", "gan"])
@example(["GAN", "GaN"])
@example(["gan~7", "GAN"])
@example(["caf\u00e9", "cafe\u0301"])
@example(["gan", "gan."])
@example(["gan", "gan "])
@example(["x" * 300, "x" * 299 + "y"])
@example(["x" * 300, "X" + "x" * 299])
@example(["\u5b57" * 60, "\u5b57" * 61])
@example([".", ".."])
def test_no_two_names_share_a_file_on_any_file_system(names: list[str]) -> None:
    first, second = names
    assert folded(first) != folded(second)
    assert not {"/", "\\", ":", "\0"} & set(file_name(first))
    assert not file_name(first).startswith(".")


@pytest.mark.parametrize("name", ["con", "aux.gan", "nul", "com1", "LPT9.x", "Con.A"])
def test_no_file_has_the_name_of_a_device_of_windows(name: str) -> None:
    """There `con` and `con.json` are the console; what earlier runs have under such a name is still found."""
    written = file_name(name)
    for whole in (written, f"{written}.json"):
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", whole)
    if name == name.lower():
        cell = Cell(name, "data", "set", "none")
        assert cell_names(cell)[1] == f"scores/data/set/none/{name}.json"
    assert file_name("contour") == "contour"
    assert file_name("com10") == "com10"


def test_names_of_any_length_and_script_can_be_written(tmp_path: Path) -> None:
    for name in ("\u751f\u6210\u5668" * 40, "\U0001f600" * 64, "x" * 400, "A" * 99, "\udcff" * 50):
        with replacing(tmp_path / f"{file_name(name)}.parquet") as partial:
            partial.write_text(name.encode("utf-8", "backslashreplace").decode())
    assert len(list(tmp_path.iterdir())) == 5
    assert all(len(path.name.encode()) < 120 for path in tmp_path.iterdir())


def test_file_names_are_readable() -> None:
    assert file_name("univfd:nn-k9") == "univfd=nn-k9"
    assert file_name("jpeg:75+blur:1.0") == "jpeg=75+blur=1.0"
    assert file_name("StyleGAN") == "StyleGAN~e1"
    assert file_name("x" * 400).startswith("x" * 70)


def test_what_is_waited_for_is_open_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to flush a file that is open for reading alone."""
    fcntl = pytest.importorskip("fcntl")
    modes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: modes.append(fcntl.fcntl(number, fcntl.F_GETFL)))
    with replacing(tmp_path / "rows") as partial:
        partial.write_text("1")
    assert [mode & os.O_ACCMODE for mode in modes] == [os.O_RDWR]


def test_no_process_is_asked_for_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There `os.kill` with 0 is no question but Ctrl-C."""
    with replacing(tmp_path / "rows") as partial:
        partial.touch()
        left = partial.name
    (tmp_path / left).touch()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *asked: pytest.fail(f"os.kill{asked}"))
    sweep(tmp_path)
    assert (tmp_path / left).exists()


def test_temporary_files_of_dead_processes_are_removed_and_no_others(tmp_path: Path) -> None:
    """Whatever a neighbour calls like one stays, and is no reason to stop."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with replacing(tmp_path / "rows") as partial:
        partial.touch()
        ours = partial.name.removesuffix(f"{os.getpid()}.part")
    # a container may have this one's host name, and numbers its processes itself
    names = [f"{ours}{at}" for at in ("9" * 30, "mine")] + [f".rows.{gethostname()}.{dead.pid}"]
    kept = {"rows", *(f"{name}.part" for name in (f"{ours}{os.getpid()}", *names))}
    for name in (*kept, f"{ours}{dead.pid}.part"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
