"""Results go to stdout; talk goes to stderr (see `forenbench.front.talk`)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forenbench.errors import BenchError
from forenbench.front.talk import say as say
from forenbench.front.talk import short as short
from forenbench.front.talk import talk as talk
from forenbench.front.terminal import columns, console
from forenbench.printable import printable, printable_lines

# Rich would fold lines at 80 columns where output goes to a file, and CSV is no CSV then.
out = console()


def show(text: str) -> None:
    """Print a result, literally; what is not printable in it is shown, not obeyed."""
    out.print(printable_lines(text), markup=False, end="" if text.endswith("\n") else "\n")


def show_table(
    columns: Sequence[str], rows: Iterable[Iterable[object]], *, right: Container[str] = ()
) -> None:
    """Print a table as wide as the terminal, its names literally.

    Args:
        columns: Their heads.
        rows: What `cell` makes of each value is shown; a `Text` keeps its colour.
        right: Columns of numbers, which end in one line.
    """
    table = Table(box=None, pad_edge=False)
    for name in columns:
        # Rich would end a path that is too long for its column in an ellipsis; nothing is to be lost.
        table.add_column(cell(name), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    out.print(table, soft_wrap=False)


def width() -> int | None:
    """Return how wide a result may be: the terminal's columns, or None where it goes to a file."""
    return columns(out)


def split(values: str) -> list[str]:
    r"""Split a comma-separated option; a comma that belongs to a name has a backslash before it: ``\,``."""
    names = (name.replace("\\,", ",").strip() for name in re.split(r"(?<!\\),", values))
    return [name for name in names if name]


def split_pairs(option: str, text: str) -> dict[str, str]:
    """Read an option ``NAME=VALUE,…``.

    Raises:
        BenchError: A part of it has no value, or a name is there twice.
    """
    found: dict[str, str] = {}
    for pair in split(text):
        name, equals, value = pair.partition("=")
        if not equals or not value.strip():
            raise BenchError(f"{option} '{pair}' is not NAME=VALUE")
        if name.strip() in found:
            raise BenchError(f"{option} names '{name.strip()}' twice")
        found[name.strip()] = value.strip()
    return found


def cell(text: object) -> str:
    """Write a name for a cell of a table on the terminal, where it begins no line and no markup."""
    return escape(printable(str(text)))
