"""Names find things of packages and files: lazily, one by one, and never the wrong one in silence."""

from __future__ import annotations

import os
import pickle
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from forenbench import registry
from forenbench.errors import BenchError
from forenbench.registry import Registry
from forenbench.registry.plugin_files import PluginFile, read_plugin, split_request

GROUP = "forenbench.numbers"


def flaw(thing: object) -> str:
    return "" if isinstance(thing, int) else "is no number"


NUMBERS: Registry[int] = Registry("number", GROUP, flaw, {"one": 1})


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Return the list of entry points, to be filled; their modules are looked for in `tmp_path`."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(registry, "entries_of", lambda group: points if group == GROUP else [])
    monkeypatch.syspath_prepend(str(tmp_path))
    return points


def test_names_are_listed_without_an_import(installed: list[EntryPoint], tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("raise RuntimeError('imported')\n")
    installed += [EntryPoint("two", "loud:TWO", GROUP)]
    assert list(NUMBERS.entries()) == ["one", "two"]
    assert NUMBERS.find("one").thing == 1
    with pytest.raises(BenchError, match=r"number 'two' \(loud:TWO\) cannot be used: RuntimeError: imported"):
        NUMBERS.find("two")


def test_one_broken_package_takes_no_other_down(installed: list[EntryPoint], tmp_path: Path) -> None:
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "counting.py").write_text("TWO, THREE = 2, 'three'\n")
    installed += [
        EntryPoint("gone", "leaving:X", GROUP),
        EntryPoint("absent", "no_such_module_here:X", GROUP),
    ]
    installed += [EntryPoint("two", "counting:TWO", GROUP), EntryPoint("three", "counting:THREE", GROUP)]
    found = {one.entry.name: one for one in NUMBERS.added()}
    assert found["two"].thing == 2
    assert "sys.exit(3) was called" in found["gone"].problem
    assert "no_such_module_here" in found["absent"].problem
    assert found["three"].problem == "it is no number"


def test_a_name_of_two_packages_is_refused_and_others_stay(
    installed: list[EntryPoint], tmp_path: Path
) -> None:
    (tmp_path / "counting.py").write_text("TWO = 2\n")
    installed += [EntryPoint("two", "counting:TWO", GROUP), EntryPoint("one", "counting:TWO", GROUP)]
    installed += [EntryPoint("five", "first:X", GROUP), EntryPoint("five", "second:X", GROUP)]
    with pytest.raises(BenchError, match=r"two packages provide a number 'five'.*first:X.*second:X"):
        NUMBERS.find("five")
    with pytest.raises(BenchError, match=r"two packages provide a number 'one': forenbench and counting:TWO"):
        NUMBERS.find("one")
    assert NUMBERS.find("two").thing == 2
    with pytest.raises(BenchError, match="unknown number 'fice': did you mean five"):
        NUMBERS.find("fice")


def test_the_same_package_seen_twice_is_no_conflict(installed: list[EntryPoint], tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text("TWO = 2\n")
    installed += [EntryPoint("two", "counting:TWO", GROUP)] * 2
    assert NUMBERS.find("two").thing == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'x'\n", "defines no numbers; it must define one"),
        ("A = 1\nB = 2\n", "defines 2 numbers; it must define one"),
        ("1 / 0\n", "number file '.*' does not import: ZeroDivisionError"),
        ("A = (\n", "does not import: SyntaxError"),
    ],
)
def test_a_file_that_defines_not_one_thing_says_so(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(BenchError, match=words):
        NUMBERS.in_file(read_plugin(str(tmp_path / "mine.py"), "number"))


def test_an_edited_file_never_runs_as_it_was(tmp_path: Path) -> None:
    """Python's own import would take the compiled copy: size and time are those of before."""
    path = tmp_path / "mine.py"
    made = []
    for text in ("A = 1\n", "A = 2\n"):
        path.write_text(text)
        os.utime(path, (1e9, 1e9))
        made.append(NUMBERS.in_file(read_plugin(str(path), "number")))
    assert made == [1, 2]


def test_a_file_is_the_same_elsewhere_even_if_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("A = 1\n")
    sent = pickle.dumps(read_plugin(str(path), "number"))
    path.unlink()
    file = pickle.loads(sent)
    assert isinstance(file, PluginFile)
    assert NUMBERS.in_file(file) == 1


def test_a_file_may_hold_dataclasses_and_what_it_made_can_be_pickled(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from typing import ClassVar\n\n"
        "@dataclass\nclass Point:\n    x: int\n    n: ClassVar[int] = 2\n"
    )
    module = read_plugin(str(path), "number").run("number")
    assert pickle.loads(pickle.dumps(module.Point(3))) == module.Point(3)


def test_requests_for_files_are_told_from_names() -> None:
    assert split_request("./mine.py:8") == ("./mine.py", "8")
    assert split_request(" a b/mine.py ") == ("a b/mine.py", None)
    assert split_request("jpeg:75") == ("", None)
