"""Results go to stdout, talk to stderr."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from forenbench.printable import printable, printable_lines

out = Console(soft_wrap=True, highlight=False)
talk = Console(stderr=True, soft_wrap=True, highlight=False)


def say(message: str, style: str = "") -> None:
    """Print talk, taking it literally; what is not printable in it is shown, not obeyed.

    Lines after the first are indented: a line break in a name of others does not begin a line of ours.
    """
    first, *others = printable_lines(message).split("\n")
    lines = [first, *(line if line.startswith(" ") else f"  {line}" for line in others)]
    talk.print(escape("\n".join(lines)), style=style or None)


def show(text: str) -> None:
    """Print a result, literally; what is not printable in it is shown, not obeyed."""
    out.print(printable_lines(text), markup=False, end="" if text.endswith("\n") else "\n")


def width() -> int | None:
    """Return how wide a result may be: the terminal's columns, or None where it goes to a file."""
    return out.width if out.is_terminal else None


def split(values: str) -> list[str]:
    r"""Split a comma-separated option; a comma that belongs to a name has a backslash before it: ``\,``."""
    parts = (part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", values))
    return [part for part in parts if part]


def cell(text: object) -> str:
    """Write a name for a cell of a table on the terminal, where it begins no line and no markup."""
    return escape(printable(str(text)))


def short(path: Path) -> str:
    """Show a path relative to the working folder where it lies below it."""
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)
