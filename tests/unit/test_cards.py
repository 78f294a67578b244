"""What a card states is read strictly, and stands in its page whole."""

from __future__ import annotations

from typing import Any

import pytest
from golden import REPOSITORY

from forenbench.errors import BenchError
from forenbench.plugins.card_facts import card_facts
from forenbench.plugins.card_page import card_page
from forenbench.plugins.cards import Card, cards
from forenbench.plugins.installed import find
from forenbench.report.carded import describe
from forenbench.weights import Checkpoint

SAID: dict[str, Any] = {
    "paper": "Doe, On Pixels, CVPR 2025",
    "code": "https://example.org/pixels",
    "commit": "73cde1c",
    "licence": "MIT",
    "input": "the central 224 pixels",
    "network": "one convolution",
    "score": "sigmoid of one logit; generated above 0.5",
    "training": "ProGAN's car and cat",
    "parity": "whole network",
    "within": 1e-5,
    "quirks": ["The factor 2/3 is undocumented.", "Odd rows are cut off."],
    "wrong": [
        {
            "what": "no factor | at all",
            "picture": "rgb1",
            "right": -0.476222,
            "wrong": -0.62,
            "seen": "Zoo 0.1",
        }
    ],
    "reference": [
        {
            "picture": "a.png",
            "sha256": "c7",
            "variant": "native",
            "number": "logit",
            "value": -5.9374785,
            "within": 1e-3,
            "source": "results.csv",
        }
    ],
}
CHECKPOINTS = (
    Checkpoint("pixels", "NPR.pth", "the authors", "none stated", size=5_800_000),
    Checkpoint("pixels-own", "own.pth", "you", "yours", command="bench train pixels"),
    Checkpoint("pixels-sample", "s.safetensors", "this package", "MIT", shipped=True),
)


def test_a_page_has_all_that_the_card_states_and_the_published_checkpoints() -> None:
    card = Card("pixels", "mine", {"published": ("native", "squash")}, card_facts(SAID))
    assert card_page(card, CHECKPOINTS).splitlines() == [
        "## pixels",
        "",
        "Doe, On Pixels, CVPR 2025",
        "",
        "* **Code**: https://example.org/pixels at 73cde1c (licence: MIT)",
        "* **Input**: the central 224 pixels",
        "* **Network**: one convolution",
        "* **Score**: sigmoid of one logit; generated above 0.5",
        "* **Trained on**: ProGAN's car and cat",
        "* **Variants (published)**: native, squash",
        "* **Parity**: whole network, on weights by formula: official numbers within 1e-05",
        "",
        "Easily got wrong, or odd in the official code:",
        "",
        "* The factor 2/3 is undocumented.",
        "* Odd rows are cut off.",
        "",
        "| other input or network | picture | right | wrong | seen in |",
        "|---|---|---|---|---|",
        r"| no factor \| at all | rgb1 | -0.476222 | -0.62 | Zoo 0.1 |",
        "",
        "| published score of | variant | number | value | within |",
        "|---|---|---|---|---|",
        "| a.png | native | logit | -5.9374785 | 0.001 |",
        "",
        "| checkpoint | file | size | sha256 | licence |",
        "|---|---|---|---|---|",
        "| pixels | NPR.pth | 5.8 MB | not known | none stated |",
    ]


def test_a_card_without_facts_gives_variants_and_checkpoints() -> None:
    page = card_page(Card("mine", "mine", {"published": ("a",)}), ())
    assert page == "## mine\n\n* **Variants (published)**: a\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"papier": "x"}, "unknown entry of a card 'papier': did you mean paper"),
        ({"input": None}, "a card lacks 'input'"),
        ({"parity": "perfect"}, "unknown parity 'perfect'"),
        ({"within": 0.0}, "a card with parity 'whole network' has within = 0"),
        ({"parity": "none"}, "a card with parity 'none' has within = 1e-05"),
        ({"wrong": [{"what": "x", "picture": "y", "right": 1.0}]}, "a card lacks 'wrong'"),
        ({"reference": [{"sha": "x"}]}, "unknown entry of a card 'sha'"),
    ],
)
def test_what_a_card_may_not_state_is_named(change: dict[str, Any], words: str) -> None:
    said = {name: value for name, value in (SAID | change).items() if value is not None}
    with pytest.raises(BenchError, match=words):
        card_facts(said)


def test_every_built_in_detector_has_a_card_whose_bound_golden_tests_read() -> None:
    ours = {one.name: one.facts for one in cards() if one.package == "forenbench"}
    assert [name for name, facts in ours.items() if facts is None] == []
    files = [file.read_text() for file in (REPOSITORY / "tests" / "golden").glob("test_*.py")]
    tests = "".join(text for text in files if "card(" in text)
    compared = {name for name, facts in ours.items() if facts is not None and facts.parity != "none"}
    assert [name for name in sorted(compared) if f'"{name}"' not in tests] == []


def test_the_page_of_all_detectors_is_what_their_cards_say() -> None:
    page = (REPOSITORY / "docs" / "detectors.md").read_text(encoding="utf-8")
    ours = [one for one in cards() if one.package == "forenbench"]
    assert page.endswith("\n\n" + "\n".join(card_page(one, find(one.name).checkpoints) for one in ours)), (
        "docs/detectors.md is not what 'bench list detectors --card all' prints: put that behind its head"
    )


def test_a_report_says_where_a_detectors_code_is_or_that_there_is_none() -> None:
    names = {("lgrad:nearest-gan", "sample"): "a", ("frepgan:4class", "own"): "b", ("lgrad", "foreign"): "c"}
    made = describe(names, dict.fromkeys(names, "1"))
    said = {one.name: one.facts["Code"] for one in made.sections}
    assert set(said) == {"lgrad", "frepgan"}
    assert said["lgrad"].startswith("https://github.com/chuangchuangtan/LGrad at ")
    assert said["frepgan"] == "none was published"
