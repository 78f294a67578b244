"""Help at 80 columns: panels, plain words for values, and examples that stand whole on one line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from printed_commands import COMMANDS, commands_in, parse

from forenbench.cli import main
from forenbench.cli.app import COMMANDS as NAMES
from forenbench.cli.help_pages import COMMAND_PANELS, EXAMPLES, OPTION_PANELS


def leaves(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - Typer's own
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, *words, name)


def help_of(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> str:  # noqa: ANN401
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", ["bench", *words, "--help"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    return str(capsys.readouterr().out)


def test_every_command_stands_in_one_panel() -> None:
    placed = [name for names in COMMAND_PANELS.values() for name in names]
    assert sorted(placed) == sorted(NAMES)
    assert len({*placed}) == len(placed)


def test_every_option_of_a_panel_exists_and_every_example_is_of_a_command() -> None:
    known = {option for _, one in leaves(COMMANDS) for each in one.params for option in each.opts}
    assert {option for options in OPTION_PANELS.values() for option in options} <= known
    assert EXAMPLES.keys() <= NAMES.keys()
    for name, examples in EXAMPLES.items():
        assert len(examples) == 2
        for example in examples:
            [words] = commands_in(f"'{example}'")
            assert words[0] == name
            assert parse(words) == "", example


def test_help_fits_80_columns_and_names_no_types(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = {words: help_of(words, monkeypatch, capsys) for words, _ in leaves(COMMANDS)}
    assert len(pages) > len(NAMES)
    for words, page in pages.items():
        assert max(map(len, page.splitlines())) <= 80, words
        # Angle brackets in lower case hold types, but for what a default is called after.
        assert not re.search(r"<(?!dataset>)[a-z]+", page), words
        for example in EXAMPLES.get(" ".join(words), ()):
            assert " ".join(example.split()) in " ".join(page.split())


def test_options_of_long_commands_stand_in_panels(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = help_of(("run",), monkeypatch, capsys)
    titles = [line.split("─")[1].strip() for line in page.splitlines() if line.startswith("╭")]
    assert titles == ["Arguments", "Options", *OPTION_PANELS]
    assert page.index("--detectors") < page.index("Which images count") < page.index("--split")
    # what has to be given is found in the first panel
    assert "--out" in help_of(("train", "lgrad"), monkeypatch, capsys).partition("Which images count")[0]
    # a short command has one
    assert "Weights" not in help_of(("calibrate",), monkeypatch, capsys)


def test_values_are_named_by_a_word_that_is_no_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers, paths, any other text; an argument is called like itself, and a switch has no value."""
    report = help_of(("report",), monkeypatch, capsys)
    for line in (
        r"--worst +N \[x>=0\] +Images",
        r"--dataset +TEXT +Where",
        r"RUNS +Run folders",
    ):
        assert re.search(line, report), line
    taken = help_of(("import",), monkeypatch, capsys)
    for line in (r"\* +FILE +CSV", r"--threshold +X +Sc", r"--out +PATH +", r"--real-is-high +High"):
        assert re.search(line, taken), line
