"""Rules: what is said of a dataset's files where their folders' names do not say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from forenbench.errors import BenchError
from forenbench.types import FAKE, REAL

from .patterns import Pattern, compiled

if TYPE_CHECKING:
    from .labels import TableWords


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
        columns: What a table calls its columns (see `forenbench.data.sources.labels.TableWords`).
        labels: What the words of its labels mean: real, fake, tampered or drop.
        reals: The dataset, by name or path, whose reals stand beside fakes that have none of their own.
        name: What the dataset is called, and so the generator of fakes of which no rule says another; empty:
            as its folder or file is. This is no rule, but what they are given along with.
    """

    real: tuple[str, ...] = ()
    fake: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    reals: str = ""
    name: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read a table ``[rules]``, or what `to_json` made.

        Raises:
            BenchError: A word is unknown, its value is of another kind, or a pattern cannot be one.
        """
        # A description is called like its file, and a path like its folder: no table says it once more.
        known = [one.name for one in fields(cls) if one.name != "name"]
        if surplus := sorted(values.keys() - known):
            raise BenchError(f"rules have no '{surplus[0]}'; known are {', '.join(known)}")
        read: dict[str, Any] = {}
        for word, said in values.items():
            if word in ("columns", "labels"):
                if not isinstance(said, Mapping):
                    raise BenchError(f"rules: '{word}' is {said!r}, not a table of words")
                read[word] = {str(key): str(value) for key, value in said.items()}
            elif word == "reals":
                if not isinstance(said, str):
                    raise BenchError(f"rules: 'reals' is {said!r}, not the name or path of one dataset")
                read[word] = said
            elif not isinstance(said, list | tuple) or not all(isinstance(one, str) for one in said):
                raise BenchError(f"rules: '{word}' is {said!r}, not a list of patterns")
            else:
                read[word] = tuple(said)
        made = cls(**read)
        _ = made.words
        try:
            list(made.in_order())
        except ValueError as error:  # said now, not after minutes of listing files
            raise BenchError(f"rules: {error}") from None
        return made

    def to_json(self) -> dict[str, Any]:
        """Return what `parse` makes the same rules of; empty without rules."""
        return {word: value for word, value in asdict(self).items() if value and word != "name"}

    def __bool__(self) -> bool:
        """Say whether there is any rule."""
        return bool(self.to_json())

    @property
    def label_paths(self) -> bool:
        """Whether patterns, rather than names of folders, say the label."""
        return bool(self.real or self.fake)

    @property
    def words(self) -> TableWords:
        """How a table is to be understood.

        Raises:
            BenchError: There is no such column or meaning.
        """
        # Not at the top: patterns, which are all that folders and archives know, stand below tables.
        from .labels import table_words

        return replace(table_words(self.columns, self.labels), name=self.name)

    def top_folders(self) -> set[str] | None:
        """Return the first names of patterns for real and fake, as they are spelled; None without any.

        What is spelled with a star is left as it is: ``{"MSCOCO", "{generator}"}``.
        """
        labelled = (rule.pattern.text for rule in self.in_order() if rule.label is not None)
        return {text.split("/")[0] for text in labelled} or None

    def in_order(self) -> Iterator[Rule]:
        """Yield the patterns in the order in which they are tried: the first that fits a file counts."""
        # What is left comes first: an exception from a pattern for all files could not be said otherwise.
        yield from (Rule("leave", None, compiled(text)) for text in self.leave)
        yield from (Rule("real", REAL, compiled(text)) for text in self.real)
        yield from (Rule("fake", FAKE, compiled(text)) for text in self.fake)


NO_RULES = Rules()
