"""The metadata-only baseline: right where it must be, at chance where there is nothing to see."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_files import rows

from forenbench import tables
from forenbench.audit import metadata_only
from forenbench.audit.metadata_only import auroc_of_chance, cross_validate, measure
from forenbench.data.catalogue import open_dataset
from forenbench.data.dataset import Dataset
from forenbench.records.store import Store
from forenbench.testing import write_tiny_dataset

SEEDS = range(6)


def area(files: pd.DataFrame, seed: int = 0) -> float:
    scores, reason = cross_validate(files, seed)
    return float(measure(files.assign(metadata_score=scores), reason)["auroc"])


@pytest.mark.parametrize(
    ("column", "real", "fake"),
    [
        ("container", "JPEG", "PNG"),
        ("mode", "RGB", "RGBA"),
        ("subsampling", "4:2:0", "4:4:4"),
        ("quality", 75.0, 96.0),
        ("quality", math.nan, 96.0),
        ("width", 640, 512),
        ("aspect", 1.5, 1.0),
        ("bytes_per_pixel", 0.4, 1.6),
        ("exif", True, False),
        ("icc", True, False),
    ],
)
def test_each_property_alone_gives_planted_labels_away(column: str, real: object, fake: object) -> None:
    assert area(rows(60, **{column: [real, fake] * 30})) == 1


@pytest.mark.parametrize("number", [2, 3, 5, 6, 11])
@pytest.mark.parametrize(("column", "values"), [("container", ["JPEG", "PNG"]), ("width", [640, 512])])
def test_small_test_sets_are_given_away_as_well(number: int, column: str, values: list[object]) -> None:
    assert area(rows(2 * number, **{column: values * number})) == 1


def test_a_few_fakes_among_many_reals_are_given_away_as_well() -> None:
    labels = [1] * 6 + [0] * 300
    assert area(rows(306, label=labels, container=["PNG" if label else "JPEG" for label in labels])) == 1


def test_the_picture_itself_is_not_looked_at() -> None:
    files = rows(60, looks=np.arange(60) % 2, table=["IJG 75", "IJG 76"] * 30, path=["real", "fake"] * 30)
    assert area(files) == 0.5


def drawn(seed: int, number: int) -> pd.DataFrame:
    """Files whose properties say nothing of their labels."""
    rng = np.random.RandomState(seed)
    return rows(
        number,
        container=rng.choice(["PNG", "JPEG", "WEBP"], number),
        width=rng.randint(200, 1000, number),
        bytes_per_pixel=rng.gamma(2, 0.5, number),
        exif=rng.rand(number) < 0.3,
    )


@pytest.mark.slow
def test_matched_labels_are_at_chance() -> None:
    """The mean over seeds is within four of its standard deviations, by Mann and Whitney's formula."""
    found = [area(drawn(seed, 200), seed) for seed in SEEDS]
    assert np.mean(found) == pytest.approx(0.5, abs=4 * auroc_of_chance(100, 100) / math.sqrt(len(SEEDS)))


def test_unequal_folds_do_not_pull_chance_below_a_half() -> None:
    """Blocks of one content make folds of unequal shares; without properties all scores are equal."""
    files = rows(90, label=[1] * 31 + [0] * 59, sha256=[f"{at // 9}" for at in range(90)])
    assert area(files) == pytest.approx(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["sha256", "origin"])
def test_copies_of_a_file_and_parts_of_a_photograph_stay_in_one_fold(column: str) -> None:
    """Everything four times, each with a value of its own: scores leak at once where copies are parted."""
    found = []
    for seed in SEEDS:
        rng = np.random.RandomState(seed)
        labels, values = rng.permutation([0, 1] * 20), rng.rand(40)
        files = rows(
            160,
            label=np.repeat(labels, 4),
            bytes_per_pixel=np.repeat(values, 4),
            **{column: [f"{at // 4}" for at in range(160)]},
        )
        found.append(area(files, seed))
    assert np.mean(found) == pytest.approx(0.5, abs=4 * auroc_of_chance(20, 20) / math.sqrt(len(SEEDS)))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scores() -> None:
    first, _ = cross_validate(drawn(1, 100), 5)
    second, _ = cross_validate(drawn(1, 100), 5)
    other, _ = cross_validate(drawn(1, 100), 6)
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (rows(8, label=1), "no real images"),
        (rows(8, label=0), "no fake images"),
        (rows(8, problem="broken"), "no images"),
        (rows(8, sha256=["a", "b"] * 4), "too few distinct files of a label"),
        (rows(4, sha256=["b", "c", "a", "a"]), "too few distinct files of a label"),
    ],
)
def test_what_cannot_be_scored_has_a_reason(files: pd.DataFrame, reason: str) -> None:
    scores, why = cross_validate(files, 0)
    assert why.startswith(reason)
    assert np.isnan(scores).all()


def test_broken_files_get_no_score() -> None:
    files = rows(40, container=["JPEG", "PNG"] * 20, problem=["broken", *[""] * 39])
    scores, _ = cross_validate(files, 0)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [0]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    write_tiny_dataset(tmp_path / "tiny", images=10)
    (tmp_path / "tiny/beta/0_real/0.png").write_bytes(b"no image")
    return open_dataset(str(tmp_path / "tiny"), data_root=tmp_path)[0]


def test_rows_stand_in_tables_as_a_detectors(dataset: Dataset, tmp_path: Path) -> None:
    from forenbench.audit import audit

    store = Store(tmp_path / "run")
    found = audit([dataset])
    for testset in dataset.testsets:
        metadata_only.keep(store, testset, found.of("tiny", testset.name), 0, 0)
    cells = tables.measure([store])
    assert list(cells["detector"]) == ["metadata-only"] * 2
    assert list(cells["digest"]) == [testset.digest for testset in dataset.testsets]
    assert list(cells["auroc"]) == pytest.approx(list(found.baseline["auroc"]))
    assert list(cells["unreadable"]) == [0, 1]
    rows_ = store.rows(store.records()[1])
    assert list(rows_["path"]) == [sample.path for sample in dataset.testsets[1].samples]
    assert rows_["error"][0] == found.broken["problem"][0]


def test_stored_rows_are_not_written_again(dataset: Dataset, tmp_path: Path) -> None:
    from forenbench.audit import audit

    store, testset, found = Store(tmp_path / "run"), dataset.testsets[0], audit([dataset])
    metadata_only.keep(store, testset, found.of("tiny", testset.name), 0, 0)
    (record,) = store.records()
    before = store.stamp(record)
    metadata_only.keep(store, testset, found.of("tiny", testset.name), 0, 0)
    assert store.stamp(record) == before


def test_chance_spreads_as_all_orders_of_a_few_scores_do() -> None:
    for reals, fakes in ((1, 1), (2, 3), (4, 2)):
        aurocs = [
            (sum(chosen) - fakes * (fakes - 1) / 2) / (reals * fakes)  # by the ranks of the fakes, from 0
            for chosen in combinations(range(reals + fakes), fakes)
        ]
        assert auroc_of_chance(reals, fakes) == pytest.approx(np.std(aurocs))
