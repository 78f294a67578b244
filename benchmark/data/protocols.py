"""Protocols: by which rules the images of a test set count, and how its numbers are put together.

``datasets/protocols/*.toml`` say it, as far as data can; what only code can say is a function of
`forenbench.data.choosing`, which the file names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from forenbench.errors import BenchError, unknown
from forenbench.types import FAKE, LABEL_NAMES, REAL, Sample

from .choosing import FUNCTIONS, Choice, Remark, name_of, split
from .reencoding import Reencoding

if TYPE_CHECKING:
    from .inventory import FileFacts

STATISTICS = ("mean", "sd", "minimum")


@dataclass(frozen=True, slots=True)
class FileRule:
    """Which files count; without any wish, all do.

    Attributes:
        suffixes: What names end with.
        any_case: Take suffixes in capitals, too.
        chosen_by: What only code can say: a function of `forenbench.data.choosing`, by its name.
        first: At most so many of each label, and of both alike, in the order of paths.
    """

    suffixes: tuple[str, ...] = ()
    any_case: bool = False
    chosen_by: str = ""
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """What one file says.

    Attributes:
        name: The file's stem.
        description: One line.
        source: Where its makers state it; with the commit where that is code.
        files: Which files of a test set count.
        reencode: What is done to files before they are scored; the first rule that a file fits is the one.
        threshold: What probabilities are compared with; None: the detector's own. As what counts as a
            probability is decided at 0.5 by its author, too, this is the one value that there can be.
        metrics: The columns of its table, by their names in `forenbench.metrics.metric_catalogue`.
        of_fakes_alone: The metric that stands in for those on test sets without reals; empty: there is none.
        spread: What is told of these over test sets, and then over datasets: of `STATISTICS`.
        lacks: What its makers do, and forenbench does not.
    """

    name: str
    description: str
    source: str = ""
    files: FileRule = field(default_factory=FileRule)
    reencode: tuple[Reencoding, ...] = ()
    threshold: float | None = None
    metrics: tuple[str, ...] = ()
    of_fakes_alone: str = ""
    spread: tuple[str, ...] = ("mean",)
    lacks: str = ""

    def choose(self, samples: Sequence[Sample]) -> Choice:
        """Choose from one test set's samples, which stand in the order of their paths."""
        chosen, notes = Choice(tuple(samples)), list[Remark]()
        if suffixes := self.files.suffixes:
            lower = str.lower if self.files.any_case else str
            chosen = split(samples, lambda s: lower(name_of(s)).endswith(suffixes), "of another extension")
            notes += chosen.notes
        if self.files.chosen_by:
            chosen = FUNCTIONS[self.files.chosen_by](chosen.samples)
            notes += chosen.notes
        if self.files.first is not None:
            each = {label: [s for s in chosen.samples if s.label == label] for label in LABEL_NAMES}
            # As many as the rarer one of reals and fakes has. A test set of one label has all that was asked
            # for: the other one is nobody's limit.
            number = min([self.files.first, *(len(each[label]) for label in (REAL, FAKE) if each[label])])
            kept = {sample for some in each.values() for sample in some[:number]}
            chosen = split(chosen.samples, kept.__contains__, f"behind the first {number} of their label")
            notes += chosen.notes
        return Choice(chosen.samples, tuple(notes))

    def reencoded(
        self, dataset: str, samples: Sequence[Sample], facts: Mapping[str, FileFacts]
    ) -> dict[str, str]:
        """Say what is done to a test set's files before they are scored, by path; others stay as they are."""
        rules = [rule.of(samples, facts) for rule in self.reencode if rule.concerns(dataset)]
        return dict(chain.from_iterable(found.items() for found in reversed(rules)))

    @property
    def words(self) -> tuple[str, ...]:
        """Say what a reader of its numbers must know: what is re-encoded, what is lacking, who says so."""
        told = [f"re-encoded first: {'; '.join(map(str, self.reencode))}"] if self.reencode else []
        told += [f"not done here: {self.lacks}"] if self.lacks else []
        return (*told, *([f"source: {self.source}"] if self.source else []))


@cache
def protocols() -> Mapping[str, Protocol]:
    """Read every protocol that comes with the package, by name; ``all`` is the first."""
    found = []
    for file in (files("forenbench.datasets") / "protocols").iterdir():
        if not file.name.endswith(".toml"):
            continue
        name, values = file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))
        rules = tuple(Reencoding(**_frozen(name, rule, Reencoding)) for rule in values.pop("reencode", ()))
        chosen = FileRule(**_frozen(name, values.pop("files", {}), FileRule))
        protocol = Protocol(**_frozen(name, values, Protocol), name=name, files=chosen, reencode=rules)
        if chosen.chosen_by and chosen.chosen_by not in FUNCTIONS:
            raise BenchError(unknown("function", chosen.chosen_by, FUNCTIONS))
        if protocol.threshold not in (None, 0.5):
            raise BenchError(f"protocols/{name}.toml: threshold {protocol.threshold}; only 0.5 can be had")
        if surplus := set(protocol.spread) - set(STATISTICS):
            raise BenchError(unknown("statistic", min(surplus), STATISTICS))
        found.append(protocol)
    found.sort(key=lambda one: (one.name != "all", one.name))
    return MappingProxyType({one.name: one for one in found})


def find_protocol(name: str) -> Protocol:
    """Find a protocol by its name.

    Raises:
        BenchError: There is none.
    """
    if name not in protocols():
        raise BenchError(unknown("protocol", name, protocols()))
    return protocols()[name]


def protocol_of(selection: str) -> Protocol:
    """Find the protocol that a test set's, or a record's, words begin with: ``dda, limit 9``."""
    # Of another version there may be protocols that this one does not know: nothing is known of them.
    name, _, _ = selection.partition(",")
    return protocols().get(name) or Protocol(name, "")


def _frozen(name: str, values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Make tuples of lists, and refuse a misspelt key rather than pass over it."""
    known = {one.name for one in fields(kind)} - {"name"}
    if surplus := set(values) - known:
        raise BenchError(f"protocols/{name}.toml: unknown key '{min(surplus)}'; known are {sorted(known)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
