"""Every ``bench …`` command that the product can print, found in its sources; and the parser to try them."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from forenbench.cli.app import app
from forenbench.errors import BenchError

COMMANDS: Any = get_command(app)
COMMANDS.load_all()

ROOT = Path(__file__).parents[2]
_START = re.compile(r"(?P<quote>``|`|')?\bbench (?P<rest>--[a-z]|[a-z]+\b)")
_ENDS = {"``": r"``", "`": r"`", "'": r"'", None: r"\n|; |, | \(|\)|\. |$"}


@dataclass(frozen=True)
class Printed:
    """A command as a message has it.

    Attributes:
        place: File and line of the message.
        words: After ``bench``; what is filled in stands in braces, as the source has it.
    """

    place: str
    words: tuple[str, ...]

    @property
    def problem(self) -> str:
        """Say why the command line would refuse it, if it would; a last "…" may stand for nothing."""
        return parse(self.words) and parse(self.words[: -1 if self.words[-1] == "…" else None])

    @property
    def is_name(self) -> bool:
        """Whether it is a command's name alone, which is no promise that the command needs no more."""
        command: Any = COMMANDS
        for word in self.words:
            command = getattr(command, "commands", {}).get(word)
            if command is None:
                return False
        return True

    def __str__(self) -> str:
        return f"bench {' '.join(self.words)} ({self.place})"


def printed() -> list[Printed]:
    """List the commands in all string literals and data files of the package, each wording once."""
    found: dict[tuple[str, ...], Printed] = {}
    for place, text in texts():
        for words in commands_in(text):
            found.setdefault(words, Printed(place, words))
    return list(found.values())


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """List every string of the package with its place."""
    return (*_literals(), *_data_files())


def commands_in(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands of a text, of ``show gradient|cam`` both."""
    for match in _START.finditer(text):
        rest = text[match.start("rest") :]
        end = re.search(_ENDS[match["quote"]], rest)
        words = shlex.split(rest[: end.start()] if end else rest, comments=True)
        yield from product(*(word.split("|") if re.fullmatch(r"[a-z|]+", word) else [word] for word in words))


def parse(words: Iterable[str]) -> str:
    """Parse a command as the command line would, without running it; return what is wrong, or nothing."""
    command: Any = COMMANDS
    # This one Typer carries out while it parses.
    parent, rest = None, [word for word in words if word != "--install-completion"]
    if not rest:
        return ""
    try:
        while True:
            parent = command.make_context("bench", rest, parent)
            rest = [*parent._protected_args, *parent.args]
            if not isinstance(command, TyperGroup) or rest[:1] in ([], ["…"]):
                return ""
            _, command, rest = command.resolve_command(parent, rest)
            if not rest:  # a command's name is no promise that it needs no more
                return ""
    except typer.Exit:  # a group's own help
        return ""
    except BenchError:  # what was parsed well names a file that is not here: a config
        return ""
    except Exception as error:
        if not hasattr(error, "format_message"):  # what all errors of usage have
            raise
        return str(error.format_message())


def _literals() -> Iterator[tuple[str, str]]:
    """Yield every string of the sources with its place; the expressions of an f-string in braces."""
    for folder in ("benchmark", "detectors"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            inner = {
                id(part)
                for node in ast.walk(tree)
                if isinstance(node, ast.JoinedStr)
                for part in ast.walk(node)
                if part is not node
            }
            for node in ast.walk(tree):
                text = _text(node)
                if text and id(node) not in inner:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", text  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{" + _expression(part) + "}"
            for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _expression(part: ast.expr) -> str:
    """Word an expression without what would end a command: quotes and spaces."""
    assert isinstance(part, ast.FormattedValue)
    return re.sub(r"[\s'\"();,]+", "_", ast.unparse(part.value)).strip("_")


def _data_files() -> Iterator[tuple[str, str]]:
    """Yield the texts of descriptions and templates."""
    for pattern in ("datasets/*.toml", "detectors/*.toml", "benchmark/**/*.toml"):
        for file in sorted(ROOT.glob(pattern)):
            for text in _strings(tomllib.loads(file.read_text(encoding="utf-8"))):
                yield str(file.relative_to(ROOT)), text
    for pattern in ("benchmark/templates/*.txt", "benchmark/report/templates/*"):
        for file in sorted(ROOT.glob(pattern)):
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
