"""Keywords that say how the files of a path say what they are, where names of folders do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypedDict

from forenbench.data.sources.rules import Rules


class RuleOptions(TypedDict, total=False):
    """What files of a path are, in the words of ``[rules]`` in a described dataset.

    Attributes:
        real: Patterns of real files: ``"RAISE-1k/*"``. Where there are patterns, folders called real or fake
            mean nothing. Of those that fit a file the first counts, in the order leave, real, fake.
        fake: Patterns of fakes: ``"{generator}/*"`` (also ``{class}``, ``{source}``, ``{origin}``,
            ``{split}``; ``**/`` for any folders).
        leave: Patterns of files that are neither, on purpose.
        columns: What a table calls its columns: ``{"path": "filename", "generator": "model"}``.
        labels: What the words of its labels mean, beside 0, 1, real, fake and tampered:
            ``{"human": "real", "6": "fake", "2": "drop"}``; ``"*"`` is every other word.
        reals: The dataset, by name or path, whose reals stand beside fakes that have none of their own.
    """

    real: str | Sequence[str]
    fake: str | Sequence[str]
    leave: str | Sequence[str]
    columns: Mapping[str, str] | None
    labels: Mapping[str, str | int] | None
    reals: str | PathLike[str]


# Without slots, as what is made of other keywords: a class with slots cannot have two such bases.
@dataclass(frozen=True, kw_only=True)
class RuleChoice:
    """`RuleOptions` with their defaults, and what is made of them."""

    real: str | Sequence[str] = ()
    fake: str | Sequence[str] = ()
    leave: str | Sequence[str] = ()
    columns: Mapping[str, str] | None = None
    labels: Mapping[str, str | int] | None = None
    reals: str | PathLike[str] = ""

    @property
    def rules(self) -> Rules:
        """The same, as datasets are opened by them.

        Raises:
            BenchError: One is no rule.
        """
        patterns = {name: several(getattr(self, name)) for name in ("real", "fake", "leave")}
        tables = {"columns": self.columns or {}, "labels": self.labels or {}}
        return Rules.parse({**patterns, **tables, "reals": str(self.reals)})


def several(values: Any) -> list[Any]:  # noqa: ANN401 - of one type, whichever
    """Take one value for a list of one."""
    return [values] if isinstance(values, str | PathLike) else list(values)
