"""What a detector's card states of where it is from, what it does to an image, and how exact it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar

from forenbench.errors import BenchError, unknown

PARITIES = ("whole network", "stage by stage", "prepared input", "none")
"""How far tests compare a detector with its official code, on weights made by formula."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WrongInput:
    """What another implementation does differently, and what that makes of a score.

    Attributes:
        what: The difference, in words.
        picture: The formula picture of the tests on which it was measured.
        right: The official number there.
        wrong: The number with the difference.
        seen: Who does so; empty where it is a known mistake of nobody in particular.
    """

    what: str
    picture: str
    right: float
    wrong: float
    seen: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """A score that the authors published for a picture, with their weights.

    Attributes:
        picture: Its file name.
        sha256: Of that file; its leading digits where no more is known.
        variant: Of the detector.
        number: "logit" or "score".
        value: What the authors give.
        within: How far another machine may be off.
        source: Where it is published.
    """

    picture: str
    sha256: str
    variant: str
    number: str
    value: float
    within: float
    source: str


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The table ``card`` of a detector's card.

    Attributes:
        paper: Authors, title, place and year.
        code: Address of the official code; empty where nobody published any.
        commit: The commit that was read and run.
        licence: Of the code.
        input: What becomes of an image.
        network: What looks at it.
        score: What the number is, and above which value it means "generated".
        training: What the published weights were trained on.
        parity: One of `PARITIES`.
        within: How far from the official number tests allow the last one; 0 without parity.
        quirks: What is easily got wrong, or odd in the official code.
        wrong: What others do differently.
        reference: Scores that the authors published.
    """

    paper: str
    code: str
    licence: str
    input: str
    network: str
    score: str
    training: str
    parity: str
    commit: str = ""
    within: float = 0.0
    quirks: tuple[str, ...] = ()
    wrong: tuple[WrongInput, ...] = ()
    reference: tuple[ReferenceScore, ...] = ()

    @property
    def parity_in_words(self) -> str:
        """What tests compare with the official code, and how closely."""
        if not self.within:
            return "no official number is compared"
        return f"{self.parity}, on weights by formula: official numbers within {self.within:g}"


def card_facts(said: Mapping[str, Any]) -> CardFacts:
    """Read the table ``card``.

    Raises:
        BenchError: An entry is missing, unknown, or none of the values that there are.
    """
    made = dict(said)
    made["quirks"] = tuple(made.get("quirks", ()))
    made["wrong"] = tuple(_read(WrongInput, one) for one in made.get("wrong", ()))
    made["reference"] = tuple(_read(ReferenceScore, one) for one in made.get("reference", ()))
    facts = _read(CardFacts, made)
    if facts.parity not in PARITIES:
        raise BenchError(unknown("parity", facts.parity, PARITIES))
    # A promise without a bound is none, and a bound of what is not compared neither.
    if (facts.parity == "none") != (facts.within == 0):
        raise BenchError(f"a card with parity '{facts.parity}' has within = {facts.within:g}")
    return facts


def _read(kind: type[T], said: Mapping[str, Any]) -> T:
    known = {field.name: field.default is MISSING for field in fields(kind)}  # type: ignore[arg-type]
    for name in said:
        if name not in known:
            raise BenchError(unknown("entry of a card", name, known))
    absent = [name for name, is_needed in known.items() if is_needed and name not in said]
    if absent:
        raise BenchError(f"a card lacks '{absent[0]}'")
    return kind(**said)
