"""A detector's card as Markdown, with its checkpoints: what docs/detectors.md is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.filesize import decimal

from forenbench.markdown import items, wrapped
from forenbench.weights import Checkpoint

from .card_facts import CardFacts
from .cards import Card

_BAR = r"\|"
"""What does not end a cell; a card is written by a detector's author, so that nothing else is escaped."""


def card_page(card: Card, checkpoints: Iterable[Checkpoint]) -> str:
    """Write what a card states, and the published checkpoints; a card without facts gives its variants.

    Args:
        card: Of a detector that can be used.
        checkpoints: All that its variants may read.
    """
    variants = {f"Variants ({kind})": ", ".join(names) for kind, names in card.variants.items()}
    published = [one for one in checkpoints if not one.command and not one.shipped]
    files = _table(
        ("checkpoint", "file", "size", "sha256", "licence"),
        [
            (
                one.name,
                one.file,
                decimal(one.size) if one.size else "not known",
                one.sha256 or "not known",
                one.licence,
            )
            for one in published
        ],
    )
    facts = items(variants) if card.facts is None else _facts(card.facts, variants)
    return "\n\n".join(filter(None, [f"## {card.name}", facts, files])) + "\n"


def _facts(facts: CardFacts, variants: dict[str, str]) -> str:
    code = f"{facts.code} at {facts.commit}" if facts.commit else facts.code
    known = {
        "Code": f"{code} (licence: {facts.licence})" if code else "none was published",
        "Input": facts.input,
        "Network": facts.network,
        "Score": facts.score,
        "Trained on": facts.training,
        **variants,
        "Parity": facts.parity_in_words,
    }
    quirks = "\n".join(wrapped(f"* {quirk}", "  ") for quirk in facts.quirks)
    wrong = _table(
        ("other input or network", "picture", "right", "wrong", "seen in"),
        [(one.what, one.picture, f"{one.right:.6g}", f"{one.wrong:.6g}", one.seen) for one in facts.wrong],
    )
    reference = _table(
        ("published score of", "variant", "number", "value", "within"),
        [
            (one.picture, one.variant, one.number, str(one.value), f"{one.within:g}")
            for one in facts.reference
        ],
    )
    odd = f"Easily got wrong, or odd in the official code:\n\n{quirks}" if quirks else ""
    return "\n\n".join(filter(None, [wrapped(facts.paper), items(known), odd, wrong, reference]))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; of no rows, nothing."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', _BAR) for cell in row)} |" for row in rows]
    return "\n".join(lines) if rows else ""
