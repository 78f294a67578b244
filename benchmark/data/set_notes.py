"""Notes on test sets: what is true of several is said once, with the names of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from forenbench.printable import readable


class SetNote(NamedTuple):
    """What a reader must know of one test set.

    Attributes:
        testset: Its name.
        words: What is the case, in words that may be true of others, too.
        particular: What of it is this one's own: a number, an example; empty: nothing.
    """

    testset: str
    words: str
    particular: str = ""


def by_words(notes: Iterable[SetNote]) -> Iterator[str]:
    """Word notes, those of the same words together, in the order of their first appearance."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for note in notes:
        found.setdefault(note.words, {}).setdefault(note.particular, {})[f"'{readable(note.testset)}'"] = None
    for words, by_particular in found.items():
        # Names of the same particular stand before it; without one they are set off all the same.
        named = "; ".join(
            f"{', '.join(names)}{f' ({particular})' * bool(particular)}"
            for particular, names in by_particular.items()
        )
        several = sum(map(len, by_particular.values())) > 1
        yield f"test set{'s' * several} {named}: {words}"
