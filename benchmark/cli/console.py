"""Results go to stdout, talk to stderr."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

out = Console(soft_wrap=True, highlight=False)
talk = Console(stderr=True, soft_wrap=True, highlight=False)


def say(message: str, style: str = "") -> None:
    """Print one line of talk, taking it literally."""
    talk.print(escape(message), style=style or None)


def show(text: str) -> None:
    """Print a result, literally."""
    out.print(text, markup=False, end="" if text.endswith("\n") else "\n")


def width() -> int | None:
    """Return how wide a result may be: the terminal's columns, or None where it goes to a file."""
    return out.width if out.is_terminal else None


def split(values: str) -> list[str]:
    """Split a comma-separated option."""
    return [value.strip() for value in values.split(",") if value.strip()]


def short(path: Path) -> str:
    """Show a path relative to the working folder where it lies below it."""
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)
