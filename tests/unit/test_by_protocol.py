"""A protocol's table puts numbers together as its makers do: printed means come of printed cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench import tables
from forenbench.data.protocols import protocols
from forenbench.front.evaluated import write_tables
from forenbench.records.store import Store
from forenbench.tables.by_protocol import over
from forenbench.tables.table import NothingToShow

DDA = protocols()["dda"].spread
PRINTED = """
NPR genimage 51.5 6.3: 53.4 55.1 55.0 43.8 41.2 57.4 48.4 57.7
NPR drct-2m 37.3 15.0: 33.0 29.1 29.0 35.1 33.2 28.4 27.9 27.9 29.4 30.2 28.4 28.3 34.7 67.9 67.4 66.1
NPR forensynths 47.9 22.6: 53.1 0.4 76.6 35.7 42.2 5.3 58.7 48.4 63.6 67.4 57.9 54.6 58.8
NPR synthbuster 50.0 2.6: 51.1 49.3 46.5 48.5 52.8 51.4 51.8 46.0 52.8
NPR synthwildx 49.8 10.0: 43.6 61.3 44.5
NPR wildrf 63.5 13.6: 78.1 61.0 51.3
NPR evalgen 2.9 2.7: 0.7 0.2 6.5 4.7 2.2
NPR dda-coco 42.2 5.4: 35.75 43.25 48.35 48.3 40.15 37.3
DRCT forensynths 73.9 13.4: 81.4 78.4 91.0 51.5 93.8 82.6 71.1 84.9 72.2 53.0 62.7 63.8 73.9
DDA genimage 91.7 7.8: 95.6 98.7 98.6 89.5 89.6 98.7 76.5 86.5
DDA drct-2m 98.1 1.4: 99.2 98.9 99.0 98.3 98.0 96.8 97.9 94.8 95.9 98.2 98.7 99.0 99.4 99.0 99.5 96.3
DDA synthbuster 90.1 5.6: 86.3 90.0 91.9 76.5 93.5 92.9 92.7 93.3 93.5
DDA wildrf 90.3 3.5: 93.1 86.4 91.5
DDA evalgen 97.2 4.2: 89.9 99.5 97.8 99.5 99.5
DDA dda-coco 92.2 10.6: 97.0 99.15 99.35 99.35 83.55 74.6
"""
"""Balanced accuracies by generator with their printed mean and deviation: arXiv 2505.14359, tables 3 to 10;
those of DDA-COCO are halves of its printed real and fake accuracies."""
BOTTOM = """
NPR 46.1 16.1 2.9: 51.5 37.3 42.2 2.9 50.0 47.9 53.1 59.9 49.8 63.5 49.5
UnivFD 56.3 16.5 15.4: 64.1 61.8 52.4 15.4 67.8 77.7 72.5 50.7 52.3 55.3 49.0
FatFormer 59.6 14.6 45.6: 62.8 52.2 51.7 45.6 56.1 90.0 85.0 51.2 52.1 58.9 50.0
C2P-CLIP 62.1 15.6 38.9: 74.4 59.2 51.3 38.9 68.5 92.0 81.4 51.1 57.1 59.6 50.0
AlignedForensics 75.0 11.1 53.9: 79.0 95.5 86.5 68.0 77.4 53.9 66.6 71.0 78.8 80.1 68.5
DDA 90.7 5.3 81.4: 91.7 98.1 92.2 97.2 90.1 81.4 87.8 82.4 90.9 90.3 95.1
"""
"""Mean, deviation and minimum over 11 sets, with these: roy-ch/Dual-Data-Alignment README.md @21f1e39."""


def lines(text: str) -> list[tuple[str, list[float], list[float]]]:
    found = []
    for line in text.strip().splitlines():
        head, values = line.split(":")
        name, *told = head.rsplit(maxsplit=3 if text is BOTTOM else 2)
        found.append((name, [float(one) for one in told], [float(one) for one in values.split()]))
    return found


@pytest.mark.parametrize(("name", "told", "values"), lines(PRINTED), ids=lambda one: str(one)[:20])
def test_means_and_deviations_over_generators_are_those_printed(
    name: str, told: list[float], values: list[float]
) -> None:
    found = over(values, DDA)
    # cells are rounded to a tenth, and so is what is printed
    assert [found["mean"], found["sd"]] == pytest.approx(told, abs=0.1), name
    assert found["minimum"] == min(values)


@pytest.mark.parametrize(("name", "told", "values"), lines(BOTTOM), ids=lambda one: str(one)[:20])
def test_the_bottom_line_is_the_one_printed(name: str, told: list[float], values: list[float]) -> None:
    assert list(over(values, DDA).values()) == pytest.approx(told, abs=0.1), name


def test_one_value_has_no_deviation_and_what_is_undefined_makes_all_undefined() -> None:
    assert np.isnan(over([50.0], DDA)["sd"])
    assert np.isnan(list(over([50.0, float("nan")], DDA).values())).all()
    assert np.isnan(list(over([], DDA).values())).all()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Balanced accuracies of 100, 50 and 75 on one set, 75 on the next; half of the fakes of the last."""
    store, place = Store(tmp_path), 0
    for detector in ("good", "lazy"):
        testsets = [
            ("genimage", "adm", [0, 0, 1, 1], PERFECT),
            ("genimage", "wukong", [0, 0, 1, 1], ONE_WRONG),
        ]
        testsets += [("genimage", "glide", *with_wrong_reals(5)), ("chameleon", "test", *with_wrong_reals(5))]
        testsets += [("evalgen", "nova", [1, 1], [0.9, 0.1])]
        for dataset, testset, labels, scores in testsets[1 if detector == "lazy" else 0 :]:
            add(store, detector, testset, scores, labels, dataset=dataset, protocol="dda", place=place)
            place += 1
    return store


def test_datasets_are_put_together_by_their_test_sets_and_then_by_each_other(store: Store) -> None:
    made = tables.make("protocol", [store], "dda")
    frame = made.frame["Bal. acc."]
    assert list(frame.columns) == ["mean", "sd", "minimum"]
    assert list(frame.loc["good", "sample"].index) == ["genimage", "chameleon", "evalgen", "over datasets"]
    good = {name: list(row) for name, row in frame.loc["good", "sample"].iterrows()}
    assert good["genimage"] == [75, 25, 50]  # the sample's: sqrt((25² + 25² + 0) / 2)
    assert good["evalgen"][0] == 50
    assert np.isnan(good["evalgen"][1])
    assert good["over datasets"] == pytest.approx([200 / 3, np.std([75, 75, 50], ddof=1), 50])
    # who was not run on a test set has no mean over easier ones
    assert np.isnan(frame.loc[("lazy", "sample", "genimage"), "mean"])
    assert np.isnan(frame.loc[("lazy", "sample", "over datasets"), "mean"])
    assert frame.loc[("lazy", "sample", "chameleon"), "mean"] == 75


def test_notes_name_protocol_source_threshold_and_what_stands_in(store: Store) -> None:
    add(store, "distances", "adm", PERFECT, dataset="genimage", protocol="dda", threshold=0.0)
    notes = "\n".join(tables.make("protocol", [store], "dda").notes)
    assert "Protocol dda: re-encoded first: jpeg:96 on files of label fake of genimage" in notes
    assert "roy-ch/Dual-Data-Alignment README.md @21f1e39" in notes
    assert "Decided at 0.5, as the protocol says; distances, whose scores are no probabilities" in notes
    assert "Fakes alone, and so Fake acc. in place of the metric: evalgen." in notes


def test_every_other_table_names_the_protocol_too(store: Store) -> None:
    for name in ("acc-ap", "summary", "cells"):
        assert any(note.startswith("Protocol dda: ") for note in tables.make(name, [store], "dda").notes)


def test_a_protocol_without_metrics_says_which_have_some(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "good", "gan", PERFECT)
    with pytest.raises(NothingToShow, match=r"'all' fixes no metrics; of these there is a table: .*dda"):
        tables.make("protocol", [store])


def test_it_is_the_main_table_of_its_run_and_of_no_folder_with_several(store: Store) -> None:
    assert write_tables(store)[0].name == "protocol"
    add(store, "good", "gan", PERFECT, protocol="bfree")
    assert write_tables(store)[0].name == "acc-ap"


def test_losses_are_no_percentages(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "good", "gan", PERFECT, protocol="bfree")
    made = tables.make("protocol", [store], "bfree")
    names = [name for name, _ in made.frame.columns]
    assert names[:4] == ["AUROC", "Bal. acc.", "NLL, balanced", "ECE, balanced"]
    assert names[4] == "TPR at 10% FPR, between thresholds"
    # -(ln .9 + ln .8 + ln .8 + ln .9) / 4, and the mean distance of .1 and .2
    expected = [100, 100, -(np.log(0.9) + np.log(0.8)) / 2, 0.15, 100]
    assert list(made.frame.iloc[0]) == pytest.approx(expected)
