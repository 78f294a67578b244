"""Fits of a validation run are used by the tested one, and refused where the two share images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_cells import add

from forenbench import tables
from forenbench.errors import BenchError
from forenbench.metrics.calibration import BINS, calibration_error, equal_width
from forenbench.metrics.classification import accuracy
from forenbench.records import fits
from forenbench.records.store import Store
from forenbench.types import FOREIGN

LABELS = [0] * 200 + [1] * 200


def scores(seed: int) -> list[float]:
    """Over-confident and biased: the best threshold is near 0.8, not 0.5."""
    logits = np.random.default_rng(seed).normal(size=400) * 1.5 + 3 * np.array(LABELS)
    return list(map(float, (1 / (1 + np.exp(-2 * logits))).astype(np.float32)))


def names(kind: str) -> list[str]:
    return [f"{kind}/{at}.png" for at in range(400)]


@pytest.fixture
def validation(tmp_path: Path) -> Store:
    store = Store(tmp_path / "validation")
    add(store, "d", "v", scores(1), LABELS, paths=names("v"), digest="v")
    return store


@pytest.fixture
def tested(tmp_path: Path) -> Store:
    store = Store(tmp_path / "tested")
    add(store, "d", "t", scores(2), LABELS, paths=names("t"))
    return store


def test_a_real_that_two_datasets_borrow_is_fitted_once(tmp_path: Path, tested: Store) -> None:
    store = Store(tmp_path / "validation")
    reals = [f"photos:/{at}.png" for at in range(200)]
    for dataset in ("one", "two"):
        paths = [*reals, *(f"{dataset}/{at}.png" for at in range(200))]
        add(store, "d", "v", scores(1), LABELS, dataset=dataset, paths=paths, lender="photos")
    (fit,) = fits.fit([store], [tested]).values()
    assert fit.images == (200, 400)


def test_images_are_the_same_if_one_is_borrowed(tmp_path: Path) -> None:
    stores = [Store(tmp_path / name) for name in ("validation", "tested")]
    mixed = [0.1, 0.9] * 200
    add(stores[0], "d", "v", mixed, LABELS, dataset="photos", paths=names("v"))
    lent = [f"photos:/{name}" for name in names("v")]
    add(stores[1], "d", "t", mixed, LABELS, dataset="fakes", paths=lent, lender="photos")
    with pytest.raises(BenchError, match=r"the splits overlap: 'v/0.png' of photos/v"):
        fits.fit(stores[:1], stores[1:])


def test_fits_show_in_the_tested_runs_tables(validation: Store, tested: Store) -> None:
    before = tables.make("thresholds", [tested])
    assert "Acc., fitted" not in before.frame
    assert "Nothing was fitted: 'bench calibrate --on RUN' does it." in before.notes
    made = fits.fit([validation], [tested])
    fits.write(tested.root, made)
    (fit,) = made.values()
    assert fit.images == (200, 200)
    row = tables.make("thresholds", [tested]).frame.iloc[0]
    stored = np.array(scores(2))
    assert row["Acc., fitted"] == pytest.approx(100 * accuracy(np.array(LABELS), stored, fit.threshold))
    assert row["Acc., author's"] < row["Acc., fitted"] <= row["Acc., oracle (upper bound)"]
    table = tables.make("calibration", [tested])
    odds = np.log(stored / (1 - stored))
    mapped = fit.maps["platt"](np.clip(odds, -24 * np.log(2), 24 * np.log(2)))
    expected = calibration_error(np.array(LABELS), mapped, equal_width(BINS))
    assert table.frame.iloc[0]["ECE, platt"] == pytest.approx(expected, abs=1e-6)
    assert table.frame.iloc[0]["ECE, platt"] < table.frame.iloc[0]["ECE"]


def test_scores_outside_0_and_1_are_mapped_as_they_are(validation: Store, tested: Store) -> None:
    """Their author's threshold may be 0.5 all the same."""
    raw = {
        name: np.random.default_rng(seed).normal(size=400) + 2 * np.array(LABELS)
        for seed, name in enumerate("vt")
    }
    for store, name in ((validation, "v"), (tested, "t")):
        add(store, "wide", name, list(raw[name]), LABELS, paths=names(name), digest=name)
    made = fits.fit([validation], [tested])
    fits.write(tested.root, made)
    fit = made["wide", "sample"]
    assert set(fit.maps) == {"platt", "isotonic"}
    row = tables.make("calibration", [tested]).frame.loc[("wide", "sample", "t")]
    expected = calibration_error(np.array(LABELS), fit.maps["platt"](raw["t"]), equal_width(BINS))
    assert row["ECE, platt"] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(row["ECE"])


def test_what_was_fitted_to_probabilities_maps_nothing_else(validation: Store, tested: Store) -> None:
    add(tested, "d", "t", [1.5, *scores(2)[1:]], LABELS, paths=names("t"))
    fits.write(tested.root, fits.fit([validation], [tested]))
    table = tables.make("calibration", [tested])
    assert table.frame.isna().all(axis=None)
    assert "d: scores are no probabilities: 1.5 is not in [0, 1]." in table.notes


def test_the_temperature_of_separable_images_has_a_finite_loss_on_others(
    validation: Store, tested: Store
) -> None:
    """It makes probabilities of 0 and 1, one of which is wrong."""
    sure = [0.001 + 0.998 * label for label in LABELS]
    add(validation, "sure", "v", sure, LABELS, paths=names("v"), digest="v")
    add(tested, "sure", "t", [0.999, *sure[1:]], LABELS, paths=names("t"))
    fits.write(tested.root, fits.fit([validation], [tested]))
    table = tables.make("calibration", [tested])
    row = table.frame.loc[("sure", "sample", "t")]
    assert row[["NLL, temperature", "NLL, platt"]].notna().all()
    assert "NLL, isotonic" not in row
    assert any(
        note.startswith("NLL, isotonic is blank where a probability of 0 or 1") for note in table.notes
    )


def test_one_shared_image_is_refused_by_name(validation: Store, tested: Store) -> None:
    add(tested, "d", "t", scores(2), LABELS, paths=[*names("t")[:399], "v/7.png"])
    with pytest.raises(BenchError, match=r"the splits overlap: 'v/7\.png' of data/v is also in data/t"):
        fits.fit([validation], [tested])


def test_detectors_that_were_not_run_on_validation_images_have_no_fit(
    validation: Store, tested: Store
) -> None:
    add(tested, "other", "t", scores(3), LABELS, paths=names("t"))
    assert fits.fit([validation], [tested]).keys() == {("d", "sample")}
    add(validation, "d", "v", scores(1), LABELS, paths=names("v"), perturbation="jpeg:75")
    with pytest.raises(BenchError, match=r"under 'blur:1.0': d \(sample\), other \(sample\)"):
        fits.fit([validation], [tested], "blur:1.0")


@pytest.mark.parametrize("changed", [{"version": "2"}, {"head": "def" * 20}, {"threshold": 0.0}])
def test_another_version_or_other_weights_are_refused(
    validation: Store, tested: Store, changed: dict[str, Any]
) -> None:
    add(tested, "d", "t", scores(2), LABELS, paths=names("t"), **changed)
    with pytest.raises(BenchError, match="d differs between the validation run and the tested one"):
        fits.fit([validation], [tested])


def test_a_detector_that_changed_since_does_not_use_its_fit(validation: Store, tested: Store) -> None:
    fits.write(tested.root, fits.fit([validation], [tested]))
    assert "Acc., fitted" in tables.make("thresholds", [tested]).frame
    add(tested, "d", "t", scores(2), LABELS, paths=names("t"), version="2")
    assert "Acc., fitted" not in tables.make("thresholds", [tested]).frame


def test_imported_scores_of_two_files_are_of_one_detector(validation: Store, tested: Store) -> None:
    for store, name, file in ((validation, "v", "abc" * 20), (tested, "t", "def" * 20)):
        add(store, "api", name, scores(1), LABELS, paths=names(name), kind=FOREIGN, head=file, digest=name)
    assert ("api", FOREIGN) in fits.fit([validation], [tested])


def test_a_fit_rests_on_scored_images_each_once(validation: Store, tested: Store) -> None:
    """Two test sets share all reals but three each; those of one were not scored."""
    shared = [*names("w")[:3], *names("v")[3:200], *names("w")[200:]]
    add(validation, "d", "v", scores(1), LABELS, paths=names("v"), digest="v", status="failed", lost=3)
    add(validation, "d", "w", scores(1), LABELS, paths=shared, digest="w")
    (fit,) = fits.fit([validation], [tested]).values()
    assert fit.images == (200, 400)


def test_one_label_is_not_enough(validation: Store, tested: Store) -> None:
    add(validation, "d", "v", scores(1), [1] * 400, paths=names("v"), digest="v")
    with pytest.raises(BenchError, match=r"cannot fit d \(sample\): no real images"):
        fits.fit([validation], [tested])


@pytest.mark.parametrize("left", ["", "{", "{}", "[7]"])
def test_fits_that_are_damaged_are_named(tested: Store, left: str) -> None:
    """Tables without them would say that nothing was fitted."""
    (tested.root / "fits.json").write_text(left)
    with pytest.raises(BenchError, match=r"fits.json' is damaged; remove it, and 'bench calibrate' makes"):
        tables.make("thresholds", [tested])


def test_fits_of_earlier_versions_are_read(validation: Store, tested: Store) -> None:
    path = fits.write(tested.root, fits.fit([validation], [tested]))
    made = fits.read(tested.root)
    path.write_text(json.dumps(json.loads(path.read_text())["fits"]))
    assert fits.read(tested.root) == made


def test_fits_of_other_detectors_are_kept(validation: Store, tested: Store, tmp_path: Path) -> None:
    fits.write(tested.root, fits.fit([validation], [tested]))
    other = Store(tmp_path / "other")
    add(tested, "e", "t", scores(3), LABELS, paths=names("t"))
    add(other, "e", "v", scores(4), LABELS, paths=names("v"))
    fits.write(tested.root, fits.fit([other], [tested]))
    assert fits.read(tested.root).keys() == {("d", "sample"), ("e", "sample")}


def test_fits_are_plain_json(validation: Store, tested: Store) -> None:
    path = fits.write(tested.root, fits.fit([validation], [tested]))
    (stored,) = json.loads(path.read_text())["fits"]
    assert stored["detector"] == "d"
    assert stored["testsets"] == ["data/v"]
    assert set(stored["maps"]) == {"temperature", "platt", "isotonic"}
