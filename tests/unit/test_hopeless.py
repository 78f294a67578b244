"""Who fails on everything is stopped, nobody else is, and nothing is hidden."""

from __future__ import annotations

from forenbench.records.rows import ImageResult, as_arrow
from forenbench.scoring.batches import CellColumns
from forenbench.scoring.hopeless import Hopeless

OK, FAILED, UNREADABLE = ImageResult("ok", 0.5), ImageResult("failed", error="x"), ImageResult("unreadable")
BROKEN, FINE = (0, 0), (0, 1)


def shard(*, broken: ImageResult = FAILED, fine: ImageResult = OK, images: int = 128) -> CellColumns:
    return {BROKEN: as_arrow([broken] * images), FINE: as_arrow([fine] * images)}


def test_a_detector_that_fails_on_its_first_shard_is_stopped_everywhere_and_told_of_once() -> None:
    hopeless = Hopeless()
    assert [(index, everywhere) for index, _, everywhere in hopeless.learn(0, shard())] == [(BROKEN, True)]
    assert [hopeless.failures(task, BROKEN) for task in (0, 1)] == [128, 128]
    assert [hopeless.failures(task, FINE) for task in (0, 1)] == [0, 0]
    assert list(hopeless.learn(0, shard())) == []


def test_one_that_has_scored_something_is_stopped_on_that_test_set_alone() -> None:
    hopeless = Hopeless()
    list(hopeless.learn(0, shard(broken=OK)))
    assert [(index, everywhere) for index, _, everywhere in hopeless.learn(1, shard())] == [(BROKEN, False)]
    assert [hopeless.failures(task, BROKEN) for task in (0, 1, 2)] == [0, 128, 0]


def test_a_perturbation_that_fails_stops_no_detector_under_others() -> None:
    hopeless = Hopeless()
    scored = {(0, 0): as_arrow([OK] * 128), (1, 0): as_arrow([FAILED] * 128)}
    assert [(index, everywhere) for index, _, everywhere in hopeless.learn(0, scored)] == [((1, 0), False)]


def test_few_failures_unreadable_files_and_not_a_number_stop_nobody() -> None:
    for scored in (
        shard(images=31),
        shard(broken=UNREADABLE),
        shard(broken=ImageResult("nonfinite")),
        {BROKEN: as_arrow([FAILED] * 127 + [OK])},
    ):
        hopeless = Hopeless()
        assert list(hopeless.learn(0, scored)) == []
        assert hopeless.failures(0, BROKEN) == 0


def test_many_small_shards_of_failures_add_up_and_a_score_between_them_counts() -> None:
    hopeless = Hopeless()
    told = [list(hopeless.learn(task, shard(images=8))) for task in range(5)]
    assert [len(one) for one in told] == [0, 0, 0, 1, 0]
    hopeless = Hopeless()
    for broken in (FAILED, FAILED, FAILED, OK, FAILED, FAILED):
        assert list(hopeless.learn(0, shard(images=8, broken=broken))) == []


def test_keep_going_stops_nobody() -> None:
    hopeless = Hopeless(keep_going=True)
    assert list(hopeless.learn(0, shard())) == []
    assert hopeless.failures(0, BROKEN) == 0


def test_who_is_stopped_is_told_the_reason_of_an_image_that_failed() -> None:
    """Not of an unreadable file before it."""
    unreadable = ImageResult("unreadable", error="no image")
    scored = {BROKEN: as_arrow([unreadable, *[FAILED] * 64])}
    assert [why for _, why, _ in Hopeless().learn(0, scored)] == ["x"]
