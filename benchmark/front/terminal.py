"""What a stream can show: colours, bars that move, and how many columns of text.

``NO_COLOR`` is stronger than ``FORCE_COLOR`` (see no-color.org), and neither makes a terminal of a file:
where output goes to one, nothing moves and no line is folded.
"""

from __future__ import annotations

import os
from typing import IO, Any

from rich.console import Console


def console(*, stderr: bool = False, **settings: Any) -> Console:  # noqa: ANN401 - Rich's own
    """Make a console that prints lines whole, and in a file under ``NO_COLOR`` no escape sequence."""
    made = Console(stderr=stderr, soft_wrap=True, highlight=False, **settings)
    if is_plain() and not made.file.isatty():
        # For NO_COLOR Rich leaves colours out; with FORCE_COLOR it still prints bold into a file.
        made = Console(stderr=stderr, soft_wrap=True, highlight=False, force_terminal=False, **settings)
    return made


def is_plain() -> bool:
    """Say whether text is to have no colours."""
    return bool(os.environ.get("NO_COLOR")) or _is_dumb()


def is_live(stream: IO[str]) -> bool:
    """Say whether bars can move there: on a terminal that can go back in a line."""
    # Rich takes a stream for a terminal where FORCE_COLOR asks for colours. Logs of builds set it, and
    # Jupyter's kernel does, whose output shows colours, but every step of a bar below the last one.
    return stream.isatty() and not _is_dumb()


def columns(of: Console) -> int | None:
    """Return how wide text may be: the terminal's columns, or None where it goes to a file."""
    return of.width if of.file.isatty() else None  # without a terminal Rich says 80, which is nobody's wish


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")
