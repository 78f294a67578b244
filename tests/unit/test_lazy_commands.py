"""The command line loads a command when it is called, and what it shows of the others is true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from forenbench.cli.app import app
from forenbench.cli.lazy import LazyGroup

CLI = Path(__file__).parents[2] / "benchmark" / "cli"


def groups(group: object) -> Iterator[LazyGroup]:
    assert isinstance(group, LazyGroup)
    yield group
    for name in group.table:
        if isinstance(loaded := group.load(name), LazyGroup):
            yield from groups(loaded)


def test_each_line_of_the_help_is_that_of_the_commands_own_help() -> None:
    found = list(groups(get_command(app)))
    assert [len(group.table) > 3 for group in found] == [True] * 4  # `bench`, and its check, train and show
    for group in found:
        for name, (_, line) in group.table.items():
            assert group.load(name).help.split("\n\n")[0].replace("\n", " ") == line, name
        assert list(group.commands) == list(group.table)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["nosuch"], ["list", "--help"], ["train", "-h"]]
)
def test_what_is_not_called_is_not_imported(words: list[str]) -> None:
    code = f"""
import sys
from forenbench.cli import main
sys.argv = ["bench", *{words!r}]
try:
    main()
except SystemExit:
    print(*(name for name in sys.modules if name.startswith("forenbench.cli.")), file=sys.stdout)
    print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not {"forenbench.cli.train.shared_options", "forenbench.cli.run", "torch"} & loaded
    assert words[0] == "list" or "pandas" not in loaded


def test_run_says_that_it_loads_before_anything_heavy_does() -> None:
    code = "import forenbench.cli.run, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas"} & set(run.stdout.split())


def test_a_misspelt_command_is_guessed_and_subcommands_keep_their_settings() -> None:
    guessed = CliRunner().invoke(app, ["scor"])
    assert guessed.exit_code == 2
    assert "score" in guessed.output
    assert CliRunner().invoke(app, ["data", "check", "-h"]).exit_code == 0
    assert "--install-completion" not in CliRunner().invoke(app, ["data", "--help"]).output


def test_commands_import_at_their_top() -> None:
    """All but `main`, which every import of a command passes, and lists, each of which loads its own."""
    found = []
    for file in sorted(CLI.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            inner = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            if inner and file.name not in ("__init__.py", "listing.py"):
                found.append(f"{file.name}: {function.name}")
    assert found == []
