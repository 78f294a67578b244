"""Rules: what is said of a dataset's files where their folders' names do not say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from forenbench.errors import BenchError
from forenbench.types import FAKE, REAL

from .patterns import Pattern, compiled


class Rule(NamedTuple):
    """One pattern, and what it says of files."""

    word: str
    label: int | None
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Rules:
    """How a dataset's files say what they are, in the words of ``[rules]`` in its description.

    Attributes:
        real: Patterns of files that are real (see `forenbench.data.sources.patterns.compiled`).
        fake: Patterns of files that are fake.
        leave: Patterns of files that are neither, on purpose.
        reals: The dataset, by name or path, whose reals stand beside fakes that have none of their own.
    """

    real: tuple[str, ...] = ()
    fake: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    reals: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read a table ``[rules]``, or what `to_json` made.

        Raises:
            BenchError: A word is unknown, its value is of another kind, or a pattern cannot be one.
        """
        known = [one.name for one in fields(cls)]
        if surplus := sorted(values.keys() - known):
            raise BenchError(f"rules have no '{surplus[0]}'; known are {', '.join(known)}")
        reals = values.get("reals", "")
        if not isinstance(reals, str):
            raise BenchError(f"rules: 'reals' is {reals!r}, not the name or path of one dataset")
        named = {word: patterns for word, patterns in values.items() if word != "reals"}
        for word, patterns in named.items():
            if not isinstance(patterns, list | tuple) or not all(isinstance(one, str) for one in patterns):
                raise BenchError(f"rules: '{word}' is {patterns!r}, not a list of patterns")
        made = cls(**{word: tuple(patterns) for word, patterns in named.items()}, reals=reals)
        try:
            list(made.in_order())
        except ValueError as error:  # said now, not after minutes of listing files
            raise BenchError(f"rules: {error}") from None
        return made

    def to_json(self) -> dict[str, Any]:
        """Return what `parse` makes the same rules of; empty without rules."""
        said = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {word: list(value) if isinstance(value, tuple) else value for word, value in said if value}

    def __bool__(self) -> bool:
        """Say whether there is any rule."""
        return bool(self.to_json())

    @property
    def label_paths(self) -> bool:
        """Whether patterns, rather than names of folders, say the label."""
        return bool(self.real or self.fake)

    def in_order(self) -> Iterator[Rule]:
        """Yield the patterns in the order in which they are tried: the first that fits a file counts."""
        yield from (Rule("leave", None, compiled(text)) for text in self.leave)
        yield from (Rule("real", REAL, compiled(text)) for text in self.real)
        yield from (Rule("fake", FAKE, compiled(text)) for text in self.fake)


NO_RULES = Rules()
