"""The numbers that cards state are those of the official code."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

import pytest
from golden import card, modern


def numbers(golden: object) -> Iterator[float]:
    """Yield every number, and of every two logits the softmax's second entry."""
    if isinstance(golden, dict):
        for inner in golden.values():
            yield from numbers(inner)
    elif isinstance(golden, list):
        if len(golden) == 2 and all(isinstance(one, float) for one in golden):
            yield 1 / (1 + exp(golden[0] - golden[1]))
        for inner in golden:
            yield from numbers(inner)
    elif isinstance(golden, float):
        yield golden


@pytest.mark.parametrize("name", ["npr", "ladeda", "safe", "freqnet", "patchcraft"])
def test_the_right_and_the_wrong_numbers_of_a_card_were_measured(name: str) -> None:
    measured = {round(number, 6) for number in numbers(modern(name)["golden"])}
    stated = {number for one in card(name).wrong for number in (one.right, one.wrong)}
    assert stated
    assert stated <= measured
