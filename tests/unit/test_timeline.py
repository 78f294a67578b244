"""Dates of release: where they come from, means by time, and windows of generators by date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.data.descriptions import parse, specs
from forenbench.data.release_dates import listed, when
from forenbench.errors import BenchError
from forenbench.records.store import Store
from forenbench.tables import release_calendar, windows
from forenbench.tables.table import NothingToShow
from forenbench.tables.windows import cut


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two detectors on ForenSynths: progan (2017), biggan and stylegan (2018), san (nobody dates it)."""
    store = Store(tmp_path)
    for place, name in enumerate(["progan", "biggan", "stylegan", "san"]):
        scores = ONE_WRONG if name == "biggan" else PERFECT
        add(store, "d", name, scores, dataset="forensynths", place=place, trained_on=["progan", "lsun"])
    add(store, "e", "progan", PERFECT, dataset="forensynths")
    return store


def described(released: dict[str, object]) -> dict[str, date]:
    return dict(parse("x", {"description": "", "licence": "", "released": released}).released)


def test_a_description_gives_a_date_or_a_name_of_the_list() -> None:
    assert described({"a": "2024-08-01", "b": date(2020, 1, 2), "c": "sd-v1.4"}) == {
        "a": date(2024, 8, 1),
        "b": date(2020, 1, 2),
        "c": date(2022, 8, 22),
    }
    with pytest.raises(BenchError, match=r"datasets/x.toml: 'a' was released 'soon'"):
        described({"a": "soon"})


def test_the_list_knows_generators_in_any_spelling_but_no_name_of_many_versions() -> None:
    assert len(set(listed().values())) > 70
    assert when("pro-gan", {}) == date(2017, 10, 27)
    assert when("Midjourney", {}) is when("somebody's", {}) is None
    assert when("MidJourney V5", {}) == date(2023, 3, 15)
    assert when("Midjourney", {"midjourney": date(2023, 6, 1)}) == date(2023, 6, 1)


def test_means_are_over_the_generators_of_a_year(store: Store) -> None:
    table = tables.make("timeline", [store])
    row = table.frame.loc[("d", "sample")]
    assert list(table.frame.columns) == [
        ("2017", "Acc."),
        ("2017", "AUROC"),
        ("2018", "Acc."),
        ("2018", "AUROC"),
    ]
    assert row.tolist() == pytest.approx([100, 100, 75, 87.5])  # biggan: 1/2 and 3/4; stylegan: all right
    assert list(tables.make("timeline-quarters", [store]).frame.columns.levels[0]) == [
        "2017-Q4",
        "2018-Q3",
        "2018-Q4",
    ]


def test_a_detector_that_lacks_a_generator_of_a_year_has_no_mean_there(store: Store) -> None:
    row = tables.make("timeline", [store]).frame.loc[("e", "sample")]
    assert row["2017", "Acc."] == 100
    assert np.isnan(row["2018", "Acc."])


def test_signs_say_what_came_after_the_training_and_where_nobody_knows(store: Store) -> None:
    table = tables.make("timeline", [store])
    assert table.marks is not None
    # trained on ProGAN: what was seen itself has a sign of its own
    assert table.marks.loc[("d", "sample")].tolist() == ["*", "*", "+", "+"]
    assert table.marks.loc[("e", "sample"), ("2017", "Acc.")] == "?"
    add(store, "d", "biggan", PERFECT, dataset="forensynths", trained_on=["biggan"])
    later = tables.make("timeline", [store]).marks
    assert later is not None
    assert later.loc[("d", "sample"), ("2018", "Acc.")] == "*±"


def test_notes_say_which_generators_stand_for_a_year_and_what_is_not_dated(store: Store) -> None:
    notes = "\n".join(tables.make("timeline", [store]).notes)
    assert "Released in 2017: forensynths/progan (2017-10-27)." in notes
    assert "nobody dates their release: forensynths/san." in notes
    assert "newest generator that was trained on: d (sample) 2017-10-27." in notes
    assert "can be dated: e (sample)." in notes
    assert "not dated (reals, or generators): lsun." in notes


def test_a_test_set_of_one_label_is_in_no_mean_of_its_year(store: Store) -> None:
    add(store, "d", "progan", [0.1, 0.9], [1, 1], dataset="forensynths", trained_on=["progan"])
    add(store, "e", "progan", [0.1, 0.9], [1, 1], dataset="forensynths")
    table = tables.make("timeline", [store])
    assert np.isnan(table.frame.loc[("d", "sample"), ("2017", "Acc.")])
    assert any("forensynths/progan (2017-10-27, of one label: in no mean)" in note for note in table.notes)


def test_without_a_date_there_is_nothing_to_show(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "t", PERFECT)
    for name in ("timeline", "timeline-quarters", "windows"):
        with pytest.raises(NothingToShow, match="release"):
            tables.make(name, [store])


NINE = {f"g{at}": date(2010 + at, 1, 1) for at in range(9)}


def test_windows_are_four_generators_in_the_order_of_their_release() -> None:
    assert cut(NINE) == [["g0", "g1", "g2", "g3"], ["g4", "g5", "g6", "g7"], ["g8"]]
    assert cut({"b": date(2010, 1, 1), "a": date(2010, 1, 1)}) == [["a", "b"]]


def test_a_detector_is_tested_on_the_window_after_its_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse("timed", {"description": "", "licence": "", "released": NINE})
    for module in (release_calendar, windows):
        monkeypatch.setattr(module, "specs", lambda: {**specs(), "timed": spec})
    store = Store(tmp_path)
    for place, name in enumerate(NINE):
        scores = PERFECT if place < 4 else ONE_WRONG  # AUROC 1 in the first window, 3/4 in the others
        for detector, seen in (("early", ["g2"]), ("late", ["g8"]), ("mute", [])):
            add(store, detector, name, scores, dataset="timed", place=place, trained_on=seen)
    frame = tables.make("windows", [store]).frame
    assert list(frame.columns) == ["trained to", "next", "1", "2", "3"]
    assert frame["trained to"].tolist() == ["1", "3", ""]
    assert frame.loc[("early", "sample"), ["next", "1", "2", "3"]].tolist() == pytest.approx(
        [75, 100, 75, 75]
    )
    assert frame["next"].isna().tolist() == [False, True, True]


def test_a_window_of_which_a_generator_was_not_run_is_blank_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse("timed", {"description": "", "licence": "", "released": NINE})
    for module in (release_calendar, windows):
        monkeypatch.setattr(module, "specs", lambda: {"timed": spec})
    store = Store(tmp_path)
    for name in list(NINE)[1:]:
        add(store, "d", name, PERFECT, dataset="timed")
    table = tables.make("windows", [store])
    assert table.frame.loc[("d", "sample"), ["1", "2", "3"]].isna().tolist() == [True, False, False]
    assert any("nobody was run on g0 of timed" in note for note in table.notes)
