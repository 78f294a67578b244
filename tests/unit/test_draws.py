"""Draws: the numbers of the generator itself, and a record from which they can be read again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from forenbench.draws import Draw
from forenbench.perturbations import draw_generator, parse

SHA = "b" * 64


def fresh() -> np.random.Generator:
    return np.random.default_rng(5)


def test_numbers_are_the_generators_in_its_order() -> None:
    draw, same = Draw(fresh()), fresh()
    assert draw.integer("quality", 10, 75) == same.integers(10, 76)
    assert draw.uniform("sigma", 0, 3) == same.uniform(0, 3)
    assert draw.chance("changed", 0.5) == (same.random() < 0.5)
    assert draw.choice("change", ["a", "b", "c"]) == "abc"[same.integers(3)]
    assert np.array_equal(draw.normal((2, 3)), same.standard_normal((2, 3)))
    assert np.array_equal(draw.poisson(np.array([3.0, 90.0])), same.poisson([3.0, 90.0]))


def test_nothing_drawn_is_empty_text_and_noise_is_not_recorded() -> None:
    draw = Draw(fresh())
    assert draw.text == str(draw) == ""
    draw.normal((4, 4, 3))
    draw.poisson(np.ones(3))
    assert draw.text == ""


@given(st.integers(0, 2**32), st.floats(0, 1e3), st.floats(0, 1))
def test_records_read_back_as_the_numbers(seed: int, high: float, probability: float) -> None:
    draw = Draw(np.random.default_rng(seed))
    drawn = draw.integer("n", -3, 900), draw.uniform("x", 0, high), draw.chance("c", probability)
    read = dict(entry.split("=") for entry in draw.text.split(" "))
    assert (int(read["n"]), float(read["x"]), read["c"] == "yes") == drawn


def test_integers_reach_both_ends() -> None:
    draw = Draw(fresh())
    assert {draw.integer("n", 1, 3) for _ in range(60)} == {1, 2, 3}


def test_steps_of_a_chain_are_told_apart() -> None:
    name = "crop:0.5+gray+crop:0.5"
    draw = draw_generator(0, name, SHA)
    image = Image.new("RGB", (40, 30))
    assert parse(name).apply(image, draw).size == (10, 8)
    keys, values = zip(*(entry.split("=") for entry in draw.text.split(" ")), strict=True)
    assert keys == ("1.left", "1.top", "3.left", "3.top")
    same = draw_generator(0, name, SHA)
    assert [int(value) for value in values] == [same.integer("", 0, n) for n in (20, 15, 10, 7)]


def test_a_single_step_has_no_number() -> None:
    draw = draw_generator(0, "crop:0.5", SHA)
    parse("crop:0.5").apply(Image.new("RGB", (40, 30)), draw)
    assert [entry.partition("=")[0] for entry in draw.text.split(" ")] == ["left", "top"]
