"""Equalised runs: what is chosen, and that the table subtracts what belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import tables
from forenbench.data.inventory import FileFacts
from forenbench.errors import BenchError
from forenbench.perturbations import geometry, parse
from forenbench.records.store import Store
from forenbench.tables import equalised
from forenbench.tables.equalised import common_side
from forenbench.tables.rendering import render
from forenbench.tables.table import NothingToShow


def facts(*sizes: tuple[int, int]) -> list[FileFacts]:
    return [FileFacts("x", "PNG", "RGB", *size, 10) for size in sizes]


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(256, 256), (512, 300)], 224),
        ([(640, 480), (1024, 400)], 350),
        ([(8, 100)], 7),
        ([(1, 1)], 1),
    ],
)
def test_the_side_is_seven_eighths_of_the_smallest(sizes: list[tuple[int, int]], side: int) -> None:
    assert common_side(facts(*sizes)) == side


def test_files_that_are_no_images_have_no_size() -> None:
    assert common_side([FileFacts("x", bytes=4), *facts((256, 256))]) == 224
    with pytest.raises(BenchError, match="no file is an image"):
        common_side([FileFacts("x", bytes=4)])


def test_equalising_perturbations_stand_beside_the_raw_images() -> None:
    added = equalised.add([parse("blur:1")], ["jpeg:096", "size", "Size+JPEG:96"], facts((256, 300)))
    assert [one.name for one in added] == ["none", "blur:1.0", "jpeg:96", "square:224", "square:224+jpeg:96"]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["size", "jpeg:96"], []),
        (["square:300", "square:300+jpeg:96"], ["square:300 enlarges 1 of 2 images"]),
        (["square:50"], ["square:50 leaves few pixels: the smallest image has a side of 256"]),
    ],
)
def test_images_are_not_enlarged_or_reduced_to_nothing_silently(texts: list[str], told: list[str]) -> None:
    known = facts((512, 256), (300, 300))
    found = list(equalised.remarks(equalised.add([], texts, known), [*known, FileFacts("x")]))
    assert [line[: len(start)] for line, start in zip(found, told, strict=True)] == told


def test_without_a_wish_nothing_is_added() -> None:
    assert [one.name for one in equalised.add([parse("blur:1")], [], [])] == ["blur:1.0"]


@pytest.mark.parametrize("text", ["blur:1", "none", "jpeg:96+noise:1", "whatsapp", "webp:80"])
def test_what_does_not_make_files_alike_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="does not make files alike"):
        equalised.check([text])


@pytest.mark.parametrize("text", ["jpeg", "jpeg:0", "square:0", "sizes"])
def test_bad_values_are_refused(text: str) -> None:
    with pytest.raises(BenchError, match=f"'{text}"):
        equalised.check([text])


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (100, 900), (3, 3), (150, 150)])
def test_square_is_the_middle_at_one_size(size: tuple[int, int]) -> None:
    """A ramp along the longer side stays a ramp, of which the middle square is left."""
    width, height = size
    ramp = np.linspace(0, 255, max(size))
    values = np.broadcast_to(ramp if width >= height else ramp[:, None], (height, width)).astype(np.uint8)
    made = geometry.square(Image.fromarray(values).convert("RGB"), 64)
    assert made.size == (64, 64)
    pixels = np.asarray(made)[..., 0].astype(float)
    along = pixels[32] if width >= height else pixels[:, 32]
    start, short = (max(size) - min(size)) / 2, min(size)
    expected = np.interp(start + (np.arange(64) + 0.5) * short / 64 - 0.5, np.arange(max(size)), ramp)
    assert along[4:60] == pytest.approx(expected[4:60], abs=2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for place, testset in enumerate(["gan", "diffusion"]):
        add(store, "good", testset, PERFECT, place=place)
        add(store, "good", testset, ONE_WRONG, place=place, perturbation="jpeg:96")
        add(store, "good", testset, PERFECT, place=place, perturbation="blur:1.0")
        add(store, "poor", testset, ONE_WRONG, place=place)
    labels, scores = with_wrong_reals(5)
    add(store, "poor", "gan", scores, labels, perturbation="jpeg:96")
    return store


def test_raw_equalised_and_the_drop(store: Store) -> None:
    frame = tables.make("equalised", [store]).frame
    good = frame.loc[("jpeg:96", "good", "sample", "gan")]
    assert good["A.P."].to_dict() == pytest.approx({"raw": 100, "equalised": 250 / 3, "drop": 50 / 3})
    assert good["Acc."].to_dict() == {"raw": 100, "equalised": 50, "drop": 50}
    assert good["AUROC"].to_dict() == {"raw": 100, "equalised": 75, "drop": 25}
    mean = frame.loc[("jpeg:96", "poor", "sample", "Mean")]
    assert mean["Acc.", "raw"] == 50
    assert set(frame.index.get_level_values("equalised")) == {"jpeg:96"}


def test_what_was_not_run_is_blank_and_has_no_mean(store: Store) -> None:
    frame = tables.make("equalised", [store]).frame
    poor = frame.loc[("jpeg:96", "poor", "sample")]
    assert poor.loc["gan", ("Acc.", "drop")] == 50 - 75
    for testset in ("diffusion", "Mean"):
        assert np.isnan(poor.loc[testset, ("Acc.", "equalised")])
        assert np.isnan(poor.loc[testset, ("Acc.", "drop")])


def test_drops_are_printed_with_their_sign(store: Store) -> None:
    text = render(tables.make("equalised", [store]), "text")
    assert "+16.7" in text
    assert "-25.0" in text
    assert "Drop is raw less equalised" in text


def test_what_was_seen_in_training_is_marked(store: Store) -> None:
    for perturbation in ("none", "jpeg:96"):
        add(store, "poor", "gan", PERFECT, perturbation=perturbation, trained_on=["GAN"])
    table = tables.make("equalised", [store])
    assert table.marks is not None
    marked = [index[1:] for index, row in table.marks.iterrows() if (row == "*").all()]
    assert marked == [("poor", "sample", "gan"), ("poor", "sample", "Mean")]
    assert "100.0*" in render(table, "text")
    assert any("seen in training" in note for note in table.notes)


def test_chains_and_sizes_are_equalised_too(store: Store) -> None:
    add(store, "good", "gan", PERFECT, perturbation="square:224+jpeg:96")
    frame = tables.make("equalised", [store]).frame
    assert set(frame.index.get_level_values("equalised")) == {"jpeg:96", "square:224+jpeg:96"}


def test_runs_that_hold_none_say_how_to_get_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "good", "gan", PERFECT)
    with pytest.raises(NothingToShow, match="bench run --equalise"):
        tables.make("equalised", [store])
