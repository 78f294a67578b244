"""Talk: what goes on while work is done, on stderr."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from forenbench.printable import printable_lines, wrapped

from .terminal import columns, console, is_live

# In a notebook Rich would make HTML of each line, which stands among the results and is saved with them.
talk = console(stderr=True, force_jupyter=False)


def is_animated() -> bool:
    """Say whether bars can move (see `forenbench.front.terminal.is_live`)."""
    return is_live(talk.file)


def say(message: str, style: str = "") -> None:
    """Print talk, taking it literally; what is not printable in it is shown, not obeyed.

    Lines after the first are indented: a line break in a name of others does not begin a line of ours.
    """
    first, *others = printable_lines(message).split("\n")
    lines = [first, *(line if line.startswith(" ") else f"  {line}" for line in others)]
    talk.print(escape(wrapped("\n".join(lines), columns(talk))), style=style or None)


def short(path: Path) -> str:
    """Show a path relative to the working folder where it lies below it."""
    # Links are followed on both sides: a working folder reached by one is not below itself otherwise.
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)
