"""Every ``bench …`` command in messages, help texts, descriptions and documents is one that can be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from printed_commands import COMMANDS, ROOT, Printed, commands_in, parse, printed, texts

from forenbench.cli.train import COMMANDS as RECIPES
from forenbench.plugins.installed import installed

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def of_checkpoints() -> list[Printed]:
    """List the commands that train what nobody has published, as they are printed."""
    known = (one for found in installed() for one in found.checkpoints if one.command)
    return [Printed(one.name, words) for one in known for words in commands_in(f"'{one.command}'")]


def in_document(page: Path) -> list[Printed]:
    """List the commands of a page: lines of its code blocks, and what stands between backticks."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    prose = re.findall(r"(?<!`)`bench [^`]+`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.M))
    shown = [line for line in lines if line.startswith("bench ")] + prose
    return [Printed(page.name, words) for one in shown for words in commands_in(one)]


@pytest.mark.slow
def test_every_command_that_messages_name_is_one_that_the_command_line_takes() -> None:
    """What trains a checkpoint is put together at run time: there the whole command is looked at."""
    literals = [one for one in printed() if not one.place.startswith("detectors/")]
    assert len(literals) > 40  # the search finds them
    trained = of_checkpoints()
    assert len(trained) > 30
    assert {one.words[1] for one in trained} == set(RECIPES) - {"sample"}
    wrong = {str(one): one.problem for one in [*literals, *trained] if one.problem}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_document_shows_is_one_that_the_command_line_takes(page: Path) -> None:
    wrong = {str(one): one.problem for one in in_document(page) if one.problem}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("get it with 'bench data fetch {spec.name}' or else", [("data", "fetch", "{spec.name}")]),
        ("Train them: bench train lgrad --data x; then add", [("train", "lgrad", "--data", "x")]),
        ("run it:   bench run --detectors {a}\ncheck it: bench check detector {a}", 
            [("run", "--detectors", "{a}"), ("check", "detector", "{a}")]),
        ("see ``bench show gradient|cam``", [("show", "gradient"), ("show", "cam")]),
        ("a workbench for images", []),
    ],
)  # fmt: skip
def test_commands_are_found_in_prose(text: str, commands: list[tuple[str, ...]]) -> None:
    assert list(commands_in(text)) == commands


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("train lgrad --data x", "Missing option '--out'"),
        ("train lgrad --data x --out y (25,000 faces)", "unexpected extra argument"),
        ("weights get clip-rn50", "No such command 'get'"),
        ("table acc-ap --form text", "No such option"),
        ("weights list", ""),
        ("data", ""),
    ],
)
def test_what_the_command_line_would_refuse_is_noticed(words: str, problem: str) -> None:
    found = parse(words.split())
    assert problem in found
    assert bool(found) == bool(problem)


_GIT = {"--always", "--dirty", "--exclude", "--abbrev", "--error-unmatch"}
_HUB = {"--repo-type", "--revision", "--include", "--local-dir"}
FOREIGN = {*_GIT, *_HUB, "--head", "--shm-size", "--continue_train"}
"""Options of other commands: Git's, the hub's, Ray's, Docker's, and one of the official training code."""


def options(command: Any, path: str = "bench") -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401 - of typer's parser
    """Yield every command with its options."""
    yield path, {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, f"{path} {name}")


@pytest.mark.slow
def test_every_option_that_a_message_names_exists() -> None:
    known = FOREIGN.union(*(names for _, names in options(COMMANDS)), {"--help"})
    named = {
        (place, name)
        for place, text in texts()
        if not place.endswith((".css", ".html.j2")) and "/notebook.py" not in place  # names of colours
        for name in re.findall(r"(?<![\w-])--[a-z][a-z_-]*[a-z]", text)
    }
    assert len(named) > 50
    assert sorted((place, name) for place, name in named if name not in known) == []


def test_what_messages_about_files_advise_is_an_option_wherever_files_are_named() -> None:
    """A checkpoint of another sha256 is refused with the words "is taken with --unverified"."""
    with_files = {path: names for path, names in options(COMMANDS) if "--weights" in names}
    with_files.pop("bench report")  # says what it cannot draw, and goes on
    assert len(with_files) >= 9
    assert [path for path, names in with_files.items() if "--unverified" not in names] == []
    with_data = {path: names for path, names in options(COMMANDS) if "--dataset" in names}
    assert [path for path, names in with_data.items() if "--data-root" not in names] == []
