"""Every ``bench …`` command in messages, help texts, descriptions and documents is one that can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from printed_commands import ROOT, Printed, commands_in, parse, printed

from forenbench.plugins import installed

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


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


def test_every_command_that_messages_name_is_one_that_the_command_line_takes() -> None:
    """What trains a checkpoint is put together at run time: there the whole command is looked at."""
    literals = [one for one in printed() if not one.place.startswith("detectors/")]
    assert len(literals) > 40  # the search finds them
    trained = of_checkpoints()
    assert len(trained) > 30
    assert {one.words[1] for one in trained} == {"cnndetection", "lgrad", "univfd-lc", "univfd-nn"}
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
