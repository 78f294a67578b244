"""Results go to stdout; talk goes to stderr (see `forenbench.front.talk`)."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markup import escape

from forenbench.front.talk import say as say
from forenbench.front.talk import short as short
from forenbench.front.talk import talk as talk
from forenbench.printable import printable, printable_lines

out = Console(soft_wrap=True, highlight=False)


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
