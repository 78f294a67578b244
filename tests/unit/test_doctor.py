"""What a report of a fault needs: on one screen, without secrets, whatever is broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from forenbench import __version__, diagnose
from forenbench.cli import main
from forenbench.front import doctor as doctor_


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)


def doctor(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "doctor", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code


def test_it_is_one_screen_and_the_same_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    doctor(monkeypatch)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "hf_verysecret" not in "".join(lines)
    subjects = [line.split()[0] for line in lines if not line.startswith(" ")]
    doctor(monkeypatch, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert (found.pop("schema"), found.pop("kind")) == (1, "doctor")
    assert list(found) == subjects
    assert found["versions"]["forenbench"] == __version__
    assert found["versions"]["torch"][0].isdigit()


def test_who_the_user_is_and_secrets_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/tiny-ladeda.pth").touch()
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("FORENBENCH_NEW", "unheard of")
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    found = diagnose()
    assert found["settings"]["FORENBENCH_WEIGHTS"] == "~/weights"
    assert found["settings"]["HF_TOKEN"] == found["settings"]["FORENBENCH_NEW"] == "set"
    assert found["cache"]["folder"] == "~/cache/forenbench"
    assert str(tmp_path) not in json.dumps(found)
    assert found["weights"]["published"] == "of 41 detectors 1 have theirs: tiny-ladeda"


def test_caches_are_told_with_their_sizes(tmp_path: Path) -> None:
    folder = tmp_path / "cache/forenbench"
    (folder / "weights/x").mkdir(parents=True)
    (folder / "weights/x/a.pth").write_bytes(bytes(1500))
    (folder / "weights/x/b.pth").write_bytes(bytes(500))
    (folder / "inventory.sqlite").write_bytes(bytes(3000))
    (folder / "sample.lock").touch()
    assert diagnose()["cache"] == {
        "folder": "~/cache/forenbench",
        "inventory.sqlite": "3.0 kB",
        "weights": "2.0 kB",
    }


def test_room_is_told_where_there_is_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_, "_SHARED", tmp_path / "shm")  # no such place; its parent is another one
    room = diagnose()["room"]
    assert room["/dev/shm"] == "not there"
    assert room["here"].endswith(" free")
    assert room["cache"].endswith(" free")  # of the disk where it will be
    (tmp_path / "shm").mkdir()
    assert diagnose()["room"]["/dev/shm"].endswith(" free")


def test_what_other_packages_add_is_told_and_ours_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, group in (("other-pack", "forenbench.detectors"), ("third", "pytest_other")):
        folder = tmp_path / f"site/{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{group}]\ntheirs = their.module:Theirs\n")
    before = diagnose()["plugins"]  # of whoever runs this
    monkeypatch.syspath_prepend(tmp_path / "site")
    found = diagnose()["plugins"]
    assert found.keys() == {*before, "detectors"}
    assert "theirs (other-pack)" in found["detectors"].split(", ")
    assert not any("(forenbench)" in others for others in found.values())


def test_what_is_broken_is_told_and_nothing_else_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENBENCH_WEIGHTS", "/nowhere")
    monkeypatch.setenv("FORENBENCH_NETWORK_MEMORY", "lots")
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it does not import
    found = diagnose()
    assert "'/nowhere' is no folder" in found["weights"]["problem"]
    assert "'lots' is no size" in found["devices"]["memory for networks"]
    assert "cannot be used" in found["devices"]["torch"]
    assert "cores" in found["devices"]["cpu"]
