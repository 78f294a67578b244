"""Files that add something: read once, run once, and carried by their text to other processes."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from forenbench.errors import BenchError, hint_at

from .guests import contained, reason

# Not split at a colon: a path on Windows has one, and what is behind the file may have more.
_REQUEST = re.compile(r"(?P<file>.+\.py)(?::(?P<rest>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PluginFile:
    """One Python file, by its text: what was hashed is what runs, here and wherever a pickled copy goes.

    Attributes:
        path: Where it was read, which its module knows as ``__file__``.
        text: Its bytes.
        sha256: Of these.
    """

    path: str
    text: bytes = field(repr=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the checksum."""
        # A frozen dataclass refuses plain assignment, in its own __post_init__ too.
        object.__setattr__(self, "sha256", hashlib.sha256(self.text).hexdigest())

    def run(self, what: str) -> ModuleType:
        """Run it as a module of its own, once a process.

        Args:
            what: It should define, for the message.

        Raises:
            BenchError: It does not run.
        """
        try:
            with contained():
                return _run(self.path, self.text)
        except Exception as error:
            raise BenchError(f"{what} file '{self.path}' does not import: {reason(error)}") from error


def split_request(text: str) -> tuple[str, str | None]:
    """Split ``./mine.py:8`` into the file and what is behind the colon (None without one).

    A text that names no file gives an empty file.
    """
    found = _REQUEST.fullmatch(text.strip())
    return (found["file"], found["rest"]) if found else ("", None)


def read_plugin(request: str, what: str, otherwise: str = "") -> PluginFile:
    """Read a file by its path.

    Args:
        request: The path.
        what: It should define, for the message.
        otherwise: What to do where there is no file, for the message.

    Raises:
        BenchError: There is no such file, or it cannot be read.
    """
    path = Path(request)
    if not path.is_file():
        hint = hint_at(request) or otherwise
        raise BenchError(f"no {what} file at '{request}'{hint and f'; {hint}'}")
    try:
        return PluginFile(request, path.read_bytes())
    except OSError as error:
        raise BenchError(f"{what} file '{request}' cannot be read: {error.strerror or error}") from error


# Cached: a second module of one text would have classes of its own, and `isinstance` would tell them apart.
@cache
def _run(path: str, text: bytes) -> ModuleType:
    """Run the very bytes: Python's own import could take a compiled copy of the text before an edit."""
    name = f"forenbench_plugin_{hashlib.sha256(path.encode() + text).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # the suffix .py always has a loader
    module = importlib.util.module_from_spec(spec)
    # Under their module's name dataclasses look up string annotations there, and pickle looks up classes.
    sys.modules[name] = module
    try:
        exec(compile(text, path, "exec"), vars(module))
    except BaseException:  # an exit is none of `Exception`, and must not leave half a module behind either
        del sys.modules[name]
        raise
    return module
