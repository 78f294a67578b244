"""What is required of a run's metrics: what is too low is named, and what has no value never passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import BenchError, RequirementMissed, load_results
from forenbench.records.store import Store
from forenbench.tables import measure
from forenbench.tables.required import check, parse_requirements
from forenbench.types import Cell


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two detectors on two test sets: the first has A.P. 1 and 5/6 there, the second 1 and 1."""
    store = Store(tmp_path / "run")
    for detector, scores in (("a", [PERFECT, ONE_WRONG]), ("b", [PERFECT, PERFECT])):
        for at, testset in enumerate(("t1", "t2")):
            add(store, detector, testset, scores[at], place=at)
    return store.root


def missed(run: Path, **limits: float) -> list[tuple[str, float]]:
    with pytest.raises(RequirementMissed) as raised:
        load_results(run).require(**limits)
    return [(one.where, one.value) for one in raised.value.shortfalls]


def test_each_cell_that_is_worse_is_named_with_its_value(run: Path) -> None:
    assert missed(run, ap=0.9) == [("a (sample) on data/t2 (none)", pytest.approx(5 / 6))]
    assert load_results(run).require(ap=0.8) == 4


def test_a_value_that_is_the_limit_but_for_rounding_passes(run: Path) -> None:
    assert load_results(run).require(ap=5 / 6 + 1e-12) == 4


def test_a_mean_is_over_test_sets_and_each_detectors_own(run: Path) -> None:
    with pytest.raises(RequirementMissed) as raised:
        load_results(run).require({"mean:ap": 0.95})
    (one,) = raised.value.shortfalls
    assert one.where == "mean of a (sample) over test sets (none)"
    assert one.value == pytest.approx((1 + 5 / 6) / 2)
    assert load_results(run).require({"mean:ap": 0.91}) == 2


def test_an_interval_stands_beside_the_value(tmp_path: Path) -> None:
    labels, scores = with_wrong_reals(5)
    add(Store(tmp_path), "d", "t", scores, labels)
    with pytest.raises(RequirementMissed, match=r"0\.75 \[0\.\d+, 0\.\d+\]; required: acc >= 0\.9") as raised:
        load_results(tmp_path).require(acc=0.9)
    (one,) = raised.value.shortfalls
    assert one.low < 0.75 < one.high
    assert f"0.75 [{one.low:.6g}, {one.high:.6g}]; required: acc >= 0.9" in str(raised.value)
    with pytest.raises(RequirementMissed) as raised:
        load_results(tmp_path).require({"mean:acc": 0.9})
    (mean,) = raised.value.shortfalls
    assert (mean.low, mean.high) == pytest.approx((one.low, one.high))


def test_what_has_no_value_never_passes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "d", "reals", [0.1, 0.2], [0, 0])
    add(store, "d", "both", PERFECT)
    words = "1 of 2 numbers .*\n  d .*data/reals .*no value, for .*; required: ap >= 0"
    with pytest.raises(RequirementMissed, match=words):
        load_results(tmp_path).require(ap=0.0)
    with pytest.raises(RequirementMissed, match="2 of 2 numbers"):  # nothing was fitted
        load_results(tmp_path).require(fitted_acc=0.0)
    assert load_results(tmp_path).require({"mean:ap": 0.0}) == 1  # of test sets with both labels


def test_a_detector_that_lacks_a_test_set_has_no_mean(run: Path) -> None:
    add(Store(run), "c", "t1", PERFECT)
    with pytest.raises(RequirementMissed) as raised:
        load_results(run).require({"mean:ap": 0.0})
    assert [one.where for one in raised.value.shortfalls] == ["mean of c (sample) over test sets (none)"]


def test_of_metrics_of_which_lower_is_better_the_highest_is_said(run: Path) -> None:
    assert load_results(run).require(at_most={"eer": 0.5}) == 4
    with pytest.raises(RequirementMissed, match=r"required: eer <= 0\.1"):
        load_results(run).require(at_most={"eer": 0.1})


def test_images_without_a_score_count_as_asked(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t", PERFECT, status="failed")
    assert load_results(tmp_path).require(acc=1.0) == 1
    with pytest.raises(RequirementMissed, match=r"0\.75"):
        load_results(tmp_path).require(acc=1.0, failed_as="wrong")


def test_a_run_is_asked_for_its_own_cells_all_of_them(run: Path) -> None:
    cells, required = measure([Store(run)]), parse_requirements({"ap": 0.9})
    here = Cell("b", "data", "t1", "none", "sample")
    assert check(cells, required, [here, Cell("b", "data", "t2", "none")]) == 2
    for lacking in (Cell("b", "data", "t3", "none"), Cell("b", "data", "t1", "none", "published")):
        with pytest.raises(RequirementMissed, match="no value, for the cell is not done"):
            check(cells, required, [lacking])


def test_a_detector_with_several_kinds_of_weights_is_several(tmp_path: Path) -> None:
    kinds = {"sample": PERFECT, "own": ONE_WRONG}
    stores = [Store(tmp_path / kind) for kind in kinds]
    for store, (kind, scores) in zip(stores, kinds.items(), strict=True):
        add(store, "d", "t", scores, kind=kind)
    asked = [Cell("d", "data", "t", "none", kind) for kind in kinds]
    cells = measure(stores)
    for order in (asked, asked[::-1]):
        with pytest.raises(RequirementMissed, match=r"1 of 2 numbers .*\n  d \(own\) on data/t"):
            check(cells, parse_requirements({"ap": 0.9}), order)
    with pytest.raises(RequirementMissed, match=r"d on data/t .none.: no value, for the cell is not done"):
        check(cells[cells["weights"] == "sample"], parse_requirements({"ap": 0.5}), asked)


@pytest.mark.parametrize(
    ("at_least", "at_most", "words"),
    [
        ({"app": 0.9}, (), "unknown metric 'app': did you mean ap"),
        ({"mean:app": 0.9}, (), "unknown metric 'app'"),
        ({"ap": 90}, (), "'90' is no value of metric 'ap', which lies in 0 to 1: 0.9 is 90 %"),
        ({"ap": float("nan")}, (), "'nan' is no value of metric 'ap'"),
        ({"ap": -0.1}, (), "'-0.1' is no value"),
        (["ap=high"], (), "'high' is no value"),
        (["ap"], (), "'ap' is not METRIC=VALUE"),
        ({"ece": 0.1}, (), "of metric 'ece' lower values are better.*--fail-above"),
        ((), {"ap": 0.1}, "of metric 'ap' higher values are better.*--fail-below"),
    ],
)
def test_what_cannot_be_required_is_refused(at_least: object, at_most: object, words: str) -> None:
    with pytest.raises(BenchError, match=words) as raised:
        parse_requirements(at_least, at_most)  # type: ignore[arg-type]
    assert raised.value.exit_status == 2


def test_a_name_of_others_begins_no_line(tmp_path: Path) -> None:
    add(Store(tmp_path), "d", "t\nerror: x", ONE_WRONG)
    with pytest.raises(RequirementMissed) as raised:
        load_results(tmp_path).require(ap=0.9)
    assert len(str(raised.value).split("\n")) == 2
    assert raised.value.exit_status == 3
