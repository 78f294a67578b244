"""Which labels of a classifier mean "generated": clear names are understood, all others are asked about."""

from __future__ import annotations

import pytest
import torch

from forenbench.errors import BenchError
from forenbench.plugins.fake_labels import fake_classes, log_odds


def numbered(*labels: str) -> dict[int, str]:
    return dict(enumerate(labels))


@pytest.mark.parametrize(
    ("labels", "fakes"),
    [
        (("artificial", "human"), (0,)),
        (("REAL", "FAKE"), (1,)),
        (("Realism", "Deepfake"), (1,)),
        (("ai", "hum"), (0,)),
        (("not_ai", "ai_generated"), (1,)),
        (("AI", "Deepfake", "Real"), (0, 1)),
        (("AI-generated",), (0,)),
    ],
)
def test_clear_names_are_understood(labels: tuple[str, ...], fakes: tuple[int, ...]) -> None:
    assert fake_classes(numbered(*labels), (), "hf:a/b") == fakes


@pytest.mark.parametrize(
    "labels",
    [
        ("LABEL_0", "LABEL_1"),
        ("real", "midjourney"),  # all but one are real, or one is fake: nobody has said so
        ("fake", "generated"),
        ("human", "natural"),
        ("real fake", "true fake real"),
        ("cat",),
    ],
)
def test_other_names_are_refused_with_the_list_and_the_way_out(labels: tuple[str, ...]) -> None:
    with pytest.raises(BenchError, match=rf"0 '{labels[0]}'.*add 'fake=LABEL' behind the '#'"):
        fake_classes(numbered(*labels), (), "hf:a/b")


def test_the_user_says_it_by_name_or_number() -> None:
    labels = numbered("real", "midjourney", "sdxl")
    assert fake_classes(labels, ("SDXL", "midjourney"), "hf:a/b") == (1, 2)
    assert fake_classes(labels, ("1",), "hf:a/b") == (1,)
    with pytest.raises(BenchError, match="'dalle' is none of its labels"):
        fake_classes(labels, ("dalle",), "hf:a/b")
    with pytest.raises(BenchError, match="cannot be told"):
        fake_classes(labels, ("0", "1", "2"), "hf:a/b")


def test_a_name_that_is_a_number_is_meant_before_the_place() -> None:
    assert fake_classes(numbered("1", "0"), ("1",), "hf:a/b") == (0,)


def test_the_sigmoid_of_the_odds_is_the_sum_of_the_softmax() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 30.0, -30.0]], dtype=torch.float64)
    expected = logits.softmax(1)[:, [0, 2]].sum(1)
    torch.testing.assert_close(log_odds(logits, (0, 2)).sigmoid(), expected)
    assert log_odds(logits[:, :1], (0,)).tolist() == [2.0, 0.0]
