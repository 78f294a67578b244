"""Talk: what goes on while work is done, on stderr, and in a log file where one is asked for.

All of it also goes to the logger "forenbench" of Python's `logging`, details included: a program that wants
it elsewhere adds a handler there.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from forenbench.errors import BenchError
from forenbench.files.regular import irregular
from forenbench.printable import printable_lines, wrapped

from .terminal import columns, console, is_live

# In a notebook Rich would make HTML of each line, which stands among the results and is saved with them.
talk = console(stderr=True, force_jupyter=False)
QUIET, USUAL, VERBOSE = logging.WARNING, logging.INFO, logging.DEBUG
"""The least that is said: warnings and errors, what goes on, details."""
_LEVELS = {"yellow": logging.WARNING, "red": logging.ERROR}
"""What a style means; all others are usual talk."""
_log = logging.getLogger("forenbench")
_log.setLevel(VERBOSE)
_log.propagate = False  # a program's own log would show on stderr once more what stands there already
_log.addHandler(logging.NullHandler())


@dataclass(slots=True)
class Voice:
    """How much is said.

    Attributes:
        least: One of `QUIET`, `USUAL` and `VERBOSE`.
        last: The level of the line before.
    """

    least: int = USUAL
    last: int = USUAL

    def reset(self) -> None:
        """Say the usual, and write no log: a process may run several commands."""
        self.least = self.last = USUAL
        for handler in [*_log.handlers]:
            if isinstance(handler, _LogFile):
                _log.removeHandler(handler)
                handler.close()


voice = Voice()


class _LogFile(logging.FileHandler):
    """A log that stops, and says so, where it cannot be written any more: no run ends for that."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say why, once."""
        why = sys.exc_info()[1]
        _log.removeHandler(self)
        with suppress(OSError):  # what could not be written is tried once more
            self.close()
        say(f"log '{self.baseFilename}' is no longer written: {why}", "yellow")


def keep_log(file: Path) -> None:
    """Write all talk to a file, too, each message with its time, behind what the file holds.

    Raises:
        BenchError: It cannot be written.
    """
    why = irregular(file) if file.exists() else ""
    try:
        if not why:
            file.parent.mkdir(parents=True, exist_ok=True)
            handler = _LogFile(file, encoding="utf-8", errors="backslashreplace")
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            _log.addHandler(handler)
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        raise BenchError(f"log '{file}' cannot be written: {why}")


def is_animated() -> bool:
    """Say whether bars can move (see `forenbench.front.terminal.is_live`), unless nothing is to be said."""
    return is_live(talk.file) and voice.least < QUIET


def say(message: str, style: str = "") -> None:
    """Print talk, taking it literally; what is not printable in it is shown, not obeyed.

    Lines after the first are indented: a line break in a name of others does not begin a line of ours. A
    message that is indented itself belongs to the one before, and is said where that was.

    Args:
        message: What is said.
        style: Yellow for warnings, red for errors.
    """
    level = voice.last if message.startswith(" ") and style not in _LEVELS else _LEVELS.get(style, USUAL)
    _say(message, style, level)


def detail(message: str, style: str = "dim") -> None:
    """Say what few want to know: with --verbose, and in the log."""
    _say(message, style, VERBOSE)


def say_in_place_of_bars(message: str) -> None:
    """Say what a bar shows on a terminal; there it goes to the log alone."""
    _say(message, "", USUAL, is_shown=not is_animated())


def _say(message: str, style: str, level: int, *, is_shown: bool = True) -> None:
    voice.last = level
    first, *others = printable_lines(message).split("\n")
    text = "\n".join([first, *(line if line.startswith(" ") else f"  {line}" for line in others)])
    if is_shown and level >= voice.least:
        talk.print(escape(wrapped(text, columns(talk))), style=style or None)
    _log.log(level, "%s", text)


def short(path: Path) -> str:
    """Show a path relative to the working folder where it lies below it."""
    # Links are followed on both sides: a working folder reached by one is not below itself otherwise.
    resolved, here = path.resolve(), Path.cwd().resolve()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)
