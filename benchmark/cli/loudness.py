"""Options of every command, before its name and behind it: how much is said, and where a log is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import join
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import forenbench
from forenbench.errors import BenchError
from forenbench.front.talk import QUIET, USUAL, VERBOSE, detail, keep_log, voice


def _choose(option: typer.CallbackParam, asked: bool) -> None:
    """Say less, or more, from here on, unless the contrary was asked for."""
    least = QUIET if option.name == "quiet" else VERBOSE
    if asked and voice.least not in (USUAL, least):
        raise BenchError("--quiet says less and --verbose more: choose one")
    voice.least = least if asked else voice.least


def _log(file: Path | None) -> None:
    if file is not None:
        keep_log(file)
        detail(f"forenbench {forenbench.__version__}: {join(['bench', *sys.argv[1:]])}")


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_choose, help="Show results, warnings and errors alone."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", callback=_choose, help="Show details of what is done, too.")
]
LogFile = Annotated[
    Path | None,
    typer.Option(callback=_log, metavar="FILE", help="Add what is said, with times, to a file as well."),
]


def add_behind(command: Any) -> None:  # noqa: ANN401 - Typer's own class
    """Have a command, or each of a group, take these options behind its name, too.

    They are not in its help, which would be three lines longer for every command: ``bench --help`` has them.
    """
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            add_behind(each)
    # Made by Typer itself, of a command that has nothing else: an option's class depends on its version.
    alone = typer.Typer(add_completion=False)
    alone.command()(_nothing)
    options: list[Any] = [one for one in get_command(alone).params if one.name in _nothing.__annotations__]
    for option in options:
        option.expose_value, option.hidden = False, True
    command.params += options


def _nothing(quiet: Quiet = False, verbose: Verbose = False, log_file: LogFile = None) -> None:
    """Have these options, and do nothing."""
