"""Results go to stdout; talk goes to stderr (see `forenbench.front.talk`)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forenbench.errors import BenchError
from forenbench.files.json_documents import document
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


def failing(check: str, problem: str) -> bool:
    """Show a check of a contract with what it found; return whether that is a problem."""
    show(f"{'FAIL' if problem else 'ok  '}  {check}  {problem}".rstrip())
    return bool(problem)


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


Section = tuple[Mapping[str, str], Iterable[Sequence[object]]]
"""A list: what its columns are called in JSON, with their heads in text, and its rows."""


def show_lists(kind: str, style: str, **sections: Section) -> None:
    """Print lists as tables below each other, or as one JSON document.

    Args:
        kind: What is listed.
        style: "text" or "json".
        sections: The lists, by their names in JSON.
    """
    if style == "json":
        show(
            document(
                kind,
                **{
                    name: [dict(zip(heads, row, strict=True)) for row in rows]
                    for name, (heads, rows) in sections.items()
                },
            )
        )
        return
    for at, (heads, rows) in enumerate(sections.values()):
        show("") if at else None
        show_table(list(heads.values()), ([_in_words(value) for value in row] for row in rows))


def _in_words(value: object) -> str:
    """Write a value of a list: several with commas between, numbers with commas in them, None as nothing."""
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


def width() -> int | None:
    """Return how wide a result may be: the terminal's columns, or None where it goes to a file."""
    return columns(out)


def split(values: str) -> list[str]:
    r"""Split a comma-separated option; a comma that belongs to a name has a backslash before it: ``\,``."""
    names = (name.replace("\\,", ",").strip() for name in re.split(r"(?<!\\),", values))
    return [name for name in names if name]


def split_pairs(option: str, text: str) -> dict[str, str]:
    r"""Read an option ``NAME=VALUE,…``; an equals sign that belongs to a name has a backslash: ``\=``.

    Raises:
        BenchError: A part of it has no value, or a name is there twice.
    """
    found: dict[str, str] = {}
    for pair in split(text):
        name, *values = (side.replace("\\=", "=").strip() for side in re.split(r"(?<!\\)=", pair, maxsplit=1))
        if values in ([], [""]):
            raise BenchError(f"{option} '{pair}' is not NAME=VALUE")
        if name in found:
            raise BenchError(f"{option} names '{name}' twice")
        found[name] = values[0]
    return found


def cell(text: object) -> str:
    """Write a name for a cell of a table on the terminal, where it begins no line and no markup."""
    return escape(printable(str(text)))
