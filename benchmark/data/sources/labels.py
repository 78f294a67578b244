"""Which words stand for real, fake and tampered, and what other people's tables call these and columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forenbench.errors import BenchError, unknown
from forenbench.printable import readable
from forenbench.types import FAKE, REAL, TAMPERED

LABELS = {"0_real": REAL, "real": REAL, "reals": REAL, "1_fake": FAKE, "fake": FAKE, "fakes": FAKE}
GENIMAGE_LABELS = {"nature": REAL, "ai": FAKE}
"""Ordinary words: as folders they count only where no folder of the path has a name from `LABELS`."""

WORDS = {**LABELS, **GENIMAGE_LABELS, "0": REAL, "1": FAKE, "generated": FAKE, "synthetic": FAKE}
WORDS |= {"false": REAL, "true": FAKE, "tampered": TAMPERED}
DROP = -1
"""In place of a label: the row is left out."""
MEANINGS = {"real": REAL, "fake": FAKE, "tampered": TAMPERED, "drop": DROP}
"""What somebody may say that a word of a table means."""
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def spelled(value: object) -> str:
    """Spell a label as it is compared: in lower case, and whole numbers without the point of floats."""
    word = str(value).strip().lower()
    whole = _WHOLE.fullmatch(word)
    return whole[1] if whole else word


def label_of(value: object) -> int | None:
    """Return the label that a word or number in a table stands for, in any case; None for an unknown one."""
    return WORDS.get(spelled(value))


COLUMNS = ("path", "label", "generator", "class", "real_source", "origin", "split", "sha256", "location")
"""What is read of a table of images."""
OF_SCORES = ("path", "label", "score", "generator", "class", "real_source", "origin", "status", "error")
"""What is read of a table of scores."""
EVERY_OTHER = "*"
"""In a map of labels: every word that it does not name, and that no other reader knows."""
_SHOWN = 10
_LOOKS = {
    "path": {"filename", "file_name", "file", "image", "image_path", "img_path", "name"},
    "label": {"labels", "target", "class_label", "typ", "type", "is_fake", "y"},
}
"""Names under which others keep what must be there."""


@dataclass(frozen=True, slots=True)
class TableWords:
    """How a table is to be understood; the same for manifests, parquet tables and files of scores.

    Attributes:
        columns: The table's name of a column of `COLUMNS` or `OF_SCORES`, where it is another one.
        labels: What words of its labels mean (see `MEANINGS`), beside those that are known anyway. Words are
            as `spelled` returns them, or `EVERY_OTHER`.
        name: The generator of fakes, and the source of reals, of no other; empty: as the table is called.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    name: str = ""

    def find(self, there: Collection[str], where: str, needed: Iterable[str]) -> dict[str, str]:
        """Find a table's columns.

        Args:
            there: What they are called, as `read_rows` spells them.
            where: The table, for messages.
            needed: Ours that must be there, beside those that somebody named.

        Returns:
            The table's names by ours; of those that are absent there is none.

        Raises:
            BenchError: One that is needed is absent.
        """
        names = {ours: self.columns.get(ours, ours).strip().lower() for ours in (*COLUMNS, *OF_SCORES)}
        # Others may be absent; one that somebody named may not, or a misspelt name would go unnoticed.
        for ours in (*needed, *self.columns):
            if names[ours] not in there:
                way_out = "say what it is called there"
                if alike := [name for name in there if name in _LOOKS.get(ours, ())]:
                    way_out += f", perhaps as in columns: {ours}={readable(alike[0])}"
                if len(there) == 1 and where.lower().endswith(".csv"):
                    way_out = "columns are separated by commas, semicolons, tabs or pipes"
                known = readable(", ".join(there))
                raise BenchError(f"'{where}' has no column '{names[ours]}' (columns: {known}); {way_out}")
        return {ours: theirs for ours, theirs in names.items() if theirs in there}

    def meanings(
        self, words: Sequence[str], where: str, column: str, absent: Collection[str] = ()
    ) -> tuple[dict[str, int | None], list[str]]:
        """Find out what each word of a column of labels means.

        Args:
            words: Of all rows.
            where: The table, for messages.
            column: Its name of the column.
            absent: Words that stand for no label at all, unless somebody says what they mean.

        Returns:
            The label of each word, `DROP` of those whose rows are left out, None of those of `absent`; and
            notes on what was left out, what was taken for `EVERY_OTHER`, and what no row has.

        Raises:
            BenchError: Words mean nothing; they are listed with their counts.
        """
        is_same = "label" in self.columns and self.columns["label"] == self.columns.get("generator")
        # What says the generator calls a fake by its name, and there is no other word that it could be.
        otherwise = self.labels.get(EVERY_OTHER, MEANINGS["fake"] if is_same else None)
        found: dict[str, int | None] = {}
        strange, others, dropped = Counter[str](), Counter[str](), Counter[str]()
        counts = Counter(words)
        for word, number in counts.items():
            meaning = self.labels.get(spelled(word), label_of(word))
            if meaning is None and word not in absent:
                (strange if otherwise is None else others)[word] = number
                meaning = otherwise
            if meaning == DROP:
                dropped[word] = number
            found[word] = meaning
        if strange:
            first = next(iter(strange))
            row = f"row {words.index(first) + 1}: '{readable(first)}' is no label"
            raise _refusal(f"'{where}', {row}. In column '{readable(column)}' there are", strange, counts)
        notes = []
        if others and otherwise != DROP:
            (name,) = (name for name, label in MEANINGS.items() if label == otherwise)
            notes.append(f"words of column '{readable(column)}' read as {name}: {_listed(others)}")
        if dropped:
            notes.append(f"rows left out by what their label means: {_listed(dropped)}")
        if idle := self.labels.keys() - {EVERY_OTHER} - {spelled(word) for word in counts}:
            notes.append(f"no row has the label {', '.join(map(repr, sorted(idle)))} in '{where}'")
        return found, notes


PLAIN = TableWords()
"""Of a table in our own words."""


def table_words(columns: Mapping[str, str], labels: Mapping[str, object]) -> TableWords:
    """Check what a table is said to call its columns and labels.

    Args:
        columns: See `TableWords`.
        labels: A meaning for each word: one of `MEANINGS`, or a word or number that tables may have.

    Raises:
        BenchError: There is no such column or meaning.
    """
    known = dict.fromkeys((*COLUMNS, *OF_SCORES))
    for name, theirs in columns.items():
        if name not in known:
            raise BenchError(unknown("column", str(name), known))
        if not str(theirs).strip():
            raise BenchError(f"column '{name}' has no name in the table: say columns {name}=NAME")
    read = {}
    for word, meant in labels.items():
        meaning = MEANINGS.get(spelled(meant), label_of(meant))
        if meaning is None:
            raise BenchError(unknown(f"meaning of label '{word}'", str(meant), MEANINGS))
        read[spelled(word)] = meaning
    return TableWords(dict(columns), read)


def _refusal(begin: str, strange: Counter[str], counts: Counter[str]) -> BenchError:
    """Word the error for words that are no label: how often each is there, and what says what they mean."""
    known = counts - strange
    beside = f" (others: {_listed(known)})" if known else ""
    example = ",".join(f"{spelled(word)}=fake" for word, _ in strange.most_common(2) if word)
    way_out = (
        f"say what they mean, {', '.join(MEANINGS)}, as in labels: {readable(example)}; or, if they say what "
        "made the images, name the column twice, as label and as generator"
    )
    if not example:
        way_out = "a row without a label cannot be scored: label it, or remove it"
    return BenchError(f"{begin} {_listed(strange)}{beside}; {way_out}")


def _listed(words: Counter[str]) -> str:
    """List words with their counts, the most frequent first."""
    some = ", ".join(f"'{readable(word)}' ({number:,})" for word, number in words.most_common(_SHOWN))
    return some + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")
