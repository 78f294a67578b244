"""Tampered images have a number of their own, and are in no other unless somebody asks for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stored_cells import LABELS, ONE_WRONG, PERFECT, add

from forenbench import tables
from forenbench.audit import audit
from forenbench.cli.index import index
from forenbench.data.catalogue import open_dataset
from forenbench.errors import BenchError
from forenbench.records import fits
from forenbench.records.measurements import Measurements
from forenbench.records.store import Store
from forenbench.tables import leaderboard
from forenbench.tables.pairs import compare
from forenbench.testing import tiny_image
from forenbench.training.examples import collect
from forenbench.types import FAKE, REAL, TAMPERED

HEADING = "Tampered, called fake"
EDITED = [0.7, 0.8, 0.2]
"""Two of three are above the threshold."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The same reals and fakes with tampered images among them, and without."""
    made = Store(tmp_path / "run")
    scores = [*EDITED[:1], *ONE_WRONG, *EDITED[1:]]
    add(made, "d", "with", scores, [2, *LABELS, 2, 2], digest="with")
    add(made, "d", "without", ONE_WRONG, LABELS, digest="without", place=1)
    return made


def cells(store: Store, **counted: str) -> dict[str, dict[str, Any]]:
    return {cell["testset"]: cell for cell in tables.measure([store], **counted).to_dict("records")}


def test_no_metric_rests_on_them_but_their_own(store: Store) -> None:
    found = cells(store)
    same = ["acc", "bacc", "ap", "auroc", "images", "ok", "reals", "fakes", "real", "fake", "nll"]
    assert [found["with"][name] for name in same] == [found["without"][name] for name in same]
    assert (found["with"]["tampered"], found["without"]["tampered"]) == (3, 0)
    assert found["with"]["tampered_acc"] == pytest.approx(2 / 3)
    assert found["with"]["tampered_acc_low"] < 2 / 3 < found["with"]["tampered_acc_high"]


@pytest.mark.parametrize(
    ("counted", "accuracy", "images", "words"),
    [  # of the four others two are right; of the three tampered two are called fake
        ("apart", 2 / 4, 4, "are in no number but their own."),
        ("drop", 2 / 4, 4, "are left out (--tampered-as drop)."),
        ("fake", 4 / 7, 7, "count as fake (--tampered-as fake)."),
        ("real", 3 / 7, 7, "count as real (--tampered-as real)."),
    ],
)
def test_they_count_as_whoever_asks_says(
    store: Store, counted: str, accuracy: float, images: int, words: str
) -> None:
    found = cells(store, tampered_as=counted)["with"]
    assert found["acc"] == pytest.approx(accuracy)
    assert found["images"] == images
    notes = tables.make("cells", [store], tampered_as=counted).notes
    assert f"Tampered images (data/with 3) {words}" in notes


def test_a_wrong_word_is_refused(store: Store) -> None:
    with pytest.raises(BenchError, match="tampered_as 'none' is none of apart, fake, real, drop"):
        tables.measure([store], tampered_as="none")


def test_tables_have_a_column_for_them_where_there_are_any(store: Store) -> None:
    shown = tables.make("cells", [store])
    assert shown.frame[HEADING].loc["d", "sample", "with"] == pytest.approx(200 / 3)
    assert shown.frame[HEADING].isna().loc["d", "sample", "without"]
    summary = tables.make("summary", [store]).frame
    assert summary[f"{HEADING}, macro"].tolist() == [pytest.approx(200 / 3)]
    assert HEADING not in tables.make("cells", [store], tampered_as="drop").frame
    assert any("data/with 3" in note for note in leaderboard.lay_out(tables.measure([store])).notes)


def test_the_interval_of_their_mean_is_there_when_it_is_remembered(store: Store) -> None:
    first, second = (tables.make("summary", [store]) for _ in range(2))
    assert first.low is not None
    assert second.low is not None
    assert first.low[f"{HEADING}, macro"].notna().all()
    assert second.low.equals(first.low)


def test_a_table_without_any_is_as_it_was(tmp_path: Path) -> None:
    made = Store(tmp_path / "run")
    add(made, "d", "t", ONE_WRONG)
    for name in ("cells", "summary"):
        table = tables.make(name, [made])
        assert not any("ampered" in text for text in (*map(str, table.frame), *table.notes))


def test_one_without_a_score_is_told(tmp_path: Path) -> None:
    made = Store(tmp_path / "run")
    add(made, "d", "t", [*ONE_WRONG, *EDITED], [*LABELS, 2, 2, 2], status="failed", lost=[4])
    (cell,) = cells(made).values()
    assert (cell["ok"], cell["images"], cell["tampered"], cell["tampered_ok"]) == (4, 4, 3, 2)
    assert cell["tampered_acc"] == 0.5
    notes = tables.make("cells", [made]).notes
    assert any("(data/t 3, 1 of them without a score) are in no number but their own" in one for one in notes)


def test_a_test_set_of_them_alone_has_their_number_and_no_other(tmp_path: Path) -> None:
    made = Store(tmp_path / "run")
    add(made, "d", "t", EDITED, [2, 2, 2])
    frame = tables.make("cells", [made]).frame
    assert frame[HEADING].tolist() == [pytest.approx(200 / 3)]
    assert frame["A.P."].isna().all()


def test_comparisons_and_fits_leave_them_out(tmp_path: Path) -> None:
    runs = [Store(tmp_path / name) for name in ("plain", "edited")]
    for number, run in enumerate(runs):
        more = [2] * 3 * number
        for name, scores in (("a", PERFECT), ("b", ONE_WRONG)):
            add(run, name, "t", [*scores, *EDITED[: len(more)]], LABELS + more, digest="t")
    plain, edited = map(compare, ([run] for run in runs))
    assert plain.frame.equals(edited.frame)
    assert edited.notes[-1] == "Tampered images (data/t 3) are in no number but their own."
    counted = compare([runs[1]], tampered_as="fake")
    assert counted.frame["images"].tolist() == [7] * len(counted.frame)
    tested = Store(tmp_path / "tested")
    add(tested, "b", "other", ONE_WRONG, digest="other")
    plain_fit, edited_fit = (fits.fit([run], [tested])["b", "sample"] for run in runs)
    # half-way between the highest real and the fake above it
    assert (plain_fit.threshold, plain_fit.images) == (0.75, (2, 2))
    assert (edited_fit.threshold, edited_fit.images) == (0.75, (2, 2))


def test_what_was_remembered_of_one_way_of_counting_is_not_taken_for_another(store: Store) -> None:
    for counted, expected in (("apart", 0.5), ("fake", 4 / 7), ("apart", 0.5)):
        measurements = Measurements(store, False, tampered_as=counted)
        assert measurements.of(store.records()[0])[0]["acc"] == pytest.approx(expected)
        measurements.save()


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two reals, two fakes and a tampered image, of the labels of SID-Set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(5):
        tiny_image(number).save(tmp_path / f"{number}.png")
    (tmp_path / "m.csv").write_text("path,label\n0.png,0\n1.png,0\n2.png,1\n3.png,1\n4.png,tampered\n")
    return tmp_path / "m.csv"


def test_they_are_opened_but_neither_trained_on_nor_audited(listed: Path) -> None:
    datasets = open_dataset(str(listed), data_root=listed.parent)
    (testset,) = datasets[0].testsets
    assert [sample.label for sample in testset.samples] == [REAL, REAL, FAKE, FAKE, TAMPERED]
    assert "test set 'm' (1): tampered images, which are in no number but their own" in datasets[0].notes
    examples = collect("m", datasets)
    assert [item.path for item in examples.items] == ["0.png", "1.png", "2.png", "3.png"]
    assert examples.rule == "all images; 1 tampered ones left out"
    found = audit(datasets)
    assert found.files["path"].tolist() == ["0.png", "1.png", "2.png", "3.png"]
    assert "m/m: tampered images, left out of this audit: 1" in found.warnings
    (limited,) = open_dataset(str(listed), data_root=listed.parent, limit=1)[0].testsets
    assert [sample.label for sample in limited.samples] == [REAL, FAKE, TAMPERED]


def test_a_folder_of_them_alone_is_indexed_under_its_own_name(listed: Path) -> None:
    (listed.parent / "edited").mkdir()
    tiny_image(9).save(listed.parent / "edited/9.png")
    index(listed.parent / "edited", listed.parent / "edited.csv", "tampered")
    (testset,) = open_dataset(str(listed.parent / "edited.csv"), data_root=listed.parent)[0].testsets
    assert (testset.name, [sample.label for sample in testset.samples]) == ("edited", [TAMPERED])
