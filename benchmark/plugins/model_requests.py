"""Requests for models that no plugin describes: ``PREFIX:MODEL+FILE=PATH#OPTION=VALUE``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from forenbench.errors import BenchError, unknown

_PLACES = (".", "/", "~", "\\")
"""What the path of a folder begins with: ORG/NAME alone is the hub's, whatever lies here."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model and how to use it.

    Attributes:
        prefix: Which library runs it.
        model: Its name, or its path.
        files: Paths of further files, by what they are.
        options: Values by name; a name may be given several times.
    """

    prefix: str
    model: str
    files: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, files: Collection[str] = (), options: Collection[str] = ()) -> ModelRequest:
        """Read a request.

        Args:
            text: As it was asked for.
            files: What further files there may be.
            options: What options there may be.

        Raises:
            BenchError: It names no model, or something that there is not.
        """
        prefix, _, rest = text.partition(":")
        rest, _, said = rest.partition("#")
        # Only a sign with a word and "=" behind it ends a name or path: both may have the sign itself.
        model, *further = re.split(r"\+(?=\w+=)", rest)
        given: dict[str, list[str]] = {}
        for pair in filter(None, said.split("&")):
            name, _, value = pair.partition("=")
            given.setdefault(name, []).append(value)
        named = {name: path for name, _, path in (pair.partition("=") for pair in further)}
        for what, names, known in (("file", named, files), ("option", given, options)):
            for name in names:
                if name not in known:
                    raise BenchError(unknown(f"{what} in '{text}'", name, known))
        if not model or not all(named.values()) or not all(all(values) for values in given.values()):
            raise BenchError(f"'{text}' leaves something empty; see docs/adding_a_detector.md")
        return cls(prefix, model, named, given)

    @property
    def is_place(self) -> bool:
        """Whether the model is a path, and no name."""
        return self.prefix == "onnx" or self.model.startswith(_PLACES)

    def option(self, name: str, default: str = "") -> str:
        """Return the value of an option that can be given once.

        Raises:
            BenchError: It is given several times.
        """
        values = self.options.get(name, [default])
        if len(values) > 1:
            raise BenchError(f"'{self}' says '{name}' {len(values)} times")
        return values[0]

    def absolute(self) -> ModelRequest:
        """Say the same for a process that was started in another folder."""
        model = _absolute(self.model) if self.is_place else self.model
        return replace(self, model=model, files={name: _absolute(path) for name, path in self.files.items()})

    def __str__(self) -> str:
        """Write it as it can be asked for."""
        further = "".join(f"+{name}={path}" for name, path in self.files.items())
        said = "&".join(f"{name}={value}" for name, values in self.options.items() for value in values)
        return f"{self.prefix}:{self.model}{further}{said and '#' + said}"


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())
