"""Colours, bars and widths: what goes to a terminal, and what to a file."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from forenbench.front import terminal
from forenbench.printable import wrapped

HELP = """
import sys
from forenbench.cli.app import run_app

# All are printed by one console of Typer's; these load no PyTorch.
for words in ["--help"], ["list", "--help"], ["run", "--help"], ["nosuch"], ["run", "--nosuch"]:
    sys.argv = ["bench", *words]
    try:
        run_app()
    except SystemExit:
        pass
"""
SOME_WORK = """
from forenbench.cli.console import show_table
from forenbench.front.bars import RunProgress
from rich.text import Text

with RunProgress() as progress:
    progress.files("reading", 1, 2)
    progress.tell("a note")
    progress.begin(3, 1, 40)
    progress.advance(20)
show_table(("one", "two"), [("a", Text("b", "green"))])
"""


def said(code: str, **environment: str) -> str:
    """What a program prints into a pipe, of both streams."""
    home = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=home | environment
    )
    return run.stdout + run.stderr


def on_terminal(code: str, **environment: str) -> str:
    """What a program prints on a terminal."""
    ours, theirs = os.openpty()
    home = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    with os.fdopen(theirs, "wb") as side:
        started = subprocess.Popen(
            [sys.executable, "-c", code], stdin=side, stdout=side, stderr=side, env=home | environment
        )
    found = b""
    with os.fdopen(ours, "rb", buffering=0) as stream:
        try:
            while piece := stream.read(4096):
                found += piece
        except OSError:  # Linux ends a terminal in this way when nobody writes any more
            pass
    assert started.wait() == 0
    return found.decode()


@pytest.mark.slow
def test_help_and_errors_have_no_colours_where_they_are_not_wanted() -> None:
    assert said(HELP, FORCE_COLOR="1").count("\x1b") > 50
    found = said(HELP, FORCE_COLOR="1", GITHUB_ACTIONS="true", NO_COLOR="1")
    assert (found.count("Usage:"), found.count("error: ")) == (3, 2)
    assert "\x1b" not in found


def test_work_has_colours_where_they_are_wanted_and_nowhere_else() -> None:
    assert "\x1b" in said(SOME_WORK, FORCE_COLOR="1")
    assert "\x1b" not in said(SOME_WORK)
    assert "\x1b" not in said(SOME_WORK, FORCE_COLOR="1", NO_COLOR="1")


def test_a_terminal_without_colours_still_has_bars() -> None:
    shown = on_terminal(SOME_WORK, NO_COLOR="1", TERM="xterm")
    assert "\x1b[2K" in shown
    assert not [code for code in ("\x1b[3", "\x1b[9", "38;") if code in shown.replace("\x1b[3K", "")]
    assert "\x1b[32m" in on_terminal(SOME_WORK, TERM="xterm")


def test_a_dumb_terminal_has_lines_in_place_of_bars() -> None:
    """It cannot go back in a line: a bar would be all that is not shown there."""
    shown = on_terminal(SOME_WORK, TERM="dumb")
    assert "\x1b" not in shown
    assert "reading: 2 images" in shown


def test_text_is_as_wide_as_a_terminal_and_no_wish_for_colours_makes_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert terminal.columns(terminal.console(file=io.StringIO())) is None


def test_lines_break_between_words_and_hang_below_their_beginning() -> None:
    text = "note: one two three\n  four five six seven"
    assert wrapped(text, 12).split("\n") == [
        "note: one",
        "  two three",
        "  four five",
        "    six",
        "    seven",
    ]
    assert wrapped(text, None) == text


def test_a_command_is_never_broken() -> None:
    quoted = "take 'bench data fetch sample' or nothing"
    assert wrapped(quoted, 16).split("\n") == ["take", "  'bench data fetch sample'", "  or nothing"]
    alone = "such as\n  bench run --detectors lgrad --dataset here"
    assert wrapped(alone, 16) == alone


def test_a_long_name_is_never_broken() -> None:
    assert wrapped("no 'a/very/long-path/of/some-body.png' here", 12).split("\n")[1].strip() == (
        "'a/very/long-path/of/some-body.png'"
    )
