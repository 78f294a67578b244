"""What is drawn, against NumPy's own generator: kept for the next cell or not, the numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forenbench.metrics import bootstrap, times_drawn
from forenbench.metrics.times_drawn import BLOCK, Numbers


def stream(seed: int, block: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, block]))


@pytest.mark.parametrize(
    "limit", [1, 2, 3, 1000, 3 << 30, (1 << 32) - 1]
)  # of the fifth, a quarter is refused
def test_numbers_are_those_of_numpy_however_many_are_taken_at_a_time(limit: int) -> None:
    expected = stream(7, 1).integers(0, limit, 1001, dtype=np.uint32)
    numbers = Numbers(np.random.SFC64([7, 1]), limit)
    found = [numbers.take(size) for size in (1, 2, 0, 3, 995)]
    assert np.array_equal(np.concatenate(found), expected)


def expected_counts(seed: int, images: int) -> NDArray[np.intp]:
    drawn = stream(seed, 2).integers(0, images, (BLOCK, images), dtype=np.uint32)
    return np.array([np.bincount(row, minlength=images) for row in drawn])


@pytest.mark.parametrize(
    ("images", "at_once"), [(1, 1 << 23), (5, 1 << 23), (300, 20_000), (20_000, 1 << 20)]
)
def test_each_image_is_counted_as_often_as_numpy_draws_it(
    monkeypatch: pytest.MonkeyPatch, images: int, at_once: int
) -> None:
    monkeypatch.setattr(times_drawn, "_AT_ONCE", at_once)
    found = np.concatenate(list(times_drawn.times_drawn(images, 2, images)), axis=1)
    assert np.array_equal(found.T, expected_counts(images, images))


def test_origins_are_drawn_as_numpy_draws_a_multinomial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times_drawn, "_AT_ONCE", 2000)
    found = np.concatenate(list(times_drawn.times_drawn(5, 0, 40, origins=True)), axis=1)
    assert np.array_equal(found.T, stream(5, 0).multinomial(40, np.full(40, 1 / 40), BLOCK))


def counted(seed: int, steps: int, origin: NDArray[np.intp] | None) -> NDArray[np.float64]:
    step_of = np.arange(400) % (steps + 1) - 1  # the first of each round was not scored
    sides = [bootstrap.Side(np.arange(0, 400, 2) + label, seed + label, origin) for label in (0, 1)]
    (found,) = bootstrap.resample(bootstrap.Strata(*sides), step_of, steps, 3)
    return np.array([found.real, found.fake])


@pytest.mark.parametrize("origin", [None, np.arange(200) // 3])
def test_what_is_kept_serves_other_cells_and_changes_no_count(
    monkeypatch: pytest.MonkeyPatch, origin: NDArray[np.intp] | None
) -> None:
    monkeypatch.setattr(times_drawn, "ROOM", 0)
    anew = [counted(100, steps, origin) for steps in (7, 50)]
    monkeypatch.setattr(times_drawn, "ROOM", 1 << 20)
    kept = [counted(100, steps, origin) for steps in (7, 50)]
    # nothing is left to draw with: what the third and fourth say, the first two kept
    monkeypatch.setattr(times_drawn, "_of_images", None)
    monkeypatch.setattr(times_drawn, "_of_origins", None)
    again = [counted(100, steps, origin) for steps in (7, 50)]
    for one, other, third in zip(anew, kept, again, strict=True):
        assert np.array_equal(one, other)
        assert np.array_equal(one, third)


def test_replicates_hold_as_many_images_as_there_are_and_each_label_draws_its_own() -> None:
    step_of = np.arange(60)
    sides = [bootstrap.Side(np.arange(20), 1), bootstrap.Side(np.arange(20, 60), 2)]
    (found,) = bootstrap.resample(bootstrap.Strata(*sides), step_of, 60, 0)
    assert set(found.real.sum(1)) == {20.0}
    assert set(found.fake.sum(1)) == {40.0}
    assert not found.real[:, 20:].any()
    assert not found.fake[:, :20].any()


@pytest.mark.parametrize("origin", [None, np.arange(1000) // 10])
def test_a_step_of_many_images_has_them_all(origin: NDArray[np.intp] | None) -> None:
    side = bootstrap.Side(np.arange(1000), 3, origin)
    step_of = np.repeat([0, 1], [990, 10])
    (found,) = bootstrap.resample(bootstrap.Strata(side, bootstrap.Side(np.arange(0), 4)), step_of, 2, 0)
    assert set(found.real.sum(1)) == {1000.0}
    assert abs(found.real[:, 0].mean() - 990) < 2


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times_drawn, "ROOM", 4 * BLOCK * 100)
    fresh = times_drawn._Kept()
    monkeypatch.setattr(times_drawn, "_KEPT", fresh)
    for seed in range(9):
        list(times_drawn.times_drawn(seed, 0, 50))
        kept = [times.nbytes for several in fresh._found.values() for times in several]
        assert sum(kept) <= times_drawn.ROOM
    assert [key[0] for key in fresh._found] == list(range(1, 9))  # the last ones
    list(times_drawn.times_drawn(1, 0, 50))  # asked for again: the next one to go is another
    list(times_drawn.times_drawn(9, 0, 50))
    assert [key[0] for key in fresh._found] == [3, 4, 5, 6, 7, 8, 1, 9]
    list(times_drawn.times_drawn(10, 0, 51))  # too many for one of two labels in four blocks
    assert 10 not in [key[0] for key in fresh._found]


def test_what_two_threads_drew_takes_its_room_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times_drawn, "ROOM", 100)
    kept, drawn = times_drawn._Kept(), [np.zeros((5, 5), np.uint8)]
    for seed in (1, 2, 3, 3, 3, 4):
        kept.put((seed, 5, False, 0), drawn)
    assert [kept.get((seed, 5, False, 0)) for seed in (1, 2, 3, 4)] == [drawn] * 4
    kept.put((5, 5, False, 0), drawn)
    assert kept.get((1, 5, False, 0)) is None
    assert [kept.get((seed, 5, False, 0)) for seed in (2, 3, 4, 5)] == [drawn] * 4
