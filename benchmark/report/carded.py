"""What is stated of the detectors on the page: where each is from, what it sees, and how exact it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from forenbench.audit import metadata_only
from forenbench.plugins.card_facts import CardFacts
from forenbench.plugins.cards import cards
from forenbench.records.record import DetectorKey
from forenbench.tables.table import Table
from forenbench.types import FOREIGN

from .grid import Grid, lay_out

_NO_PIXEL = {metadata_only.NAME: "sees no pixel"}
_NOTES = (
    "Parity is how far tests compare a detector with its official code, on weights made by formula, and"
    " within what. It does not say that a paper's numbers were reproduced.",
    "A detector without a card is its user's own: the records of its cells hold the digest of its file.",
)


@dataclass(frozen=True, slots=True)
class CardSection:
    """One plugin's card: its facts in words, by name, and what is easily got wrong."""

    name: str
    paper: str
    facts: Mapping[str, str]
    quirks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cards:
    """The detectors of a page, a row each, and the cards behind them."""

    table: Grid
    sections: Sequence[CardSection]


def describe(names: Mapping[DetectorKey, str], versions: Mapping[DetectorKey, str]) -> Cards:
    """Describe detectors by their cards.

    Args:
        names: What the page calls them.
        versions: Their own.
    """
    known = {card.name: card.facts for card in cards() if card.facts is not None}
    rows, used = [], dict[str, CardFacts]()
    for key, name in names.items():
        plugin = key[0].partition(":")[0]
        # What another tool scored is not ours, though it be called alike; nor is a file of that name.
        facts = None if key[1] == FOREIGN else known.get(plugin)
        if facts is not None:
            used[plugin] = facts
        other = {FOREIGN: "scores of another tool"}.get(key[1], "no card")
        parity = facts.parity if facts else _NO_PIXEL.get(key[0], other)
        within = f"{facts.within:g}" if facts and facts.within else ""
        code = facts.code.removeprefix("https://") if facts else ""
        rows.append(
            (name, key[1] or "none", versions[key], parity, within, code, facts.commit[:12] if facts else "")
        )
    columns = ["detector", "weights", "version", "parity", "within", "official code", "commit"]
    frame = pd.DataFrame(rows, columns=columns).set_index("detector")
    table = Table("detectors", "Where they are from, and parity with official code", frame, _NOTES)
    sections = []
    for plugin, one in used.items():
        code = f"{one.code} at {one.commit} (licence: {one.licence})" if one.code else "none was published"
        said = {
            "Input": one.input,
            "Network": one.network,
            "Score": one.score,
            "Trained on": one.training,
            "Code": code,
            "Parity": one.parity_in_words,
        }
        sections.append(CardSection(plugin, one.paper, said, one.quirks))
    return Cards(lay_out(table), sections)
