"""Help at 80 columns: panels, plain words for values, and examples that stand whole on one line."""

from __future__ import annotations

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


@pytest.mark.parametrize("name", ["", "run", "table", "report", "audit", "score", "train lgrad", "weights"])
def test_help_fits_80_columns_and_names_no_types(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = help_of(tuple(name.split()), monkeypatch, capsys)
    assert max(map(len, page.splitlines())) <= 80
    for kind in ("<bool>", "<str>", "<int", "<list", "<path>", "<float"):
        assert kind not in page
    for example in EXAMPLES.get(name, ()):
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
