"""Which finished cells of several runs count."""

from __future__ import annotations

from pathlib import Path

import pytest
from stored_cells import ONE_WRONG, PERFECT, add

from forenbench.errors import BenchError
from forenbench.records.finished import newest
from forenbench.records.store import Store

LATER = "2026-02-02T00:00:00+00:00"


def test_of_two_runs_of_a_cell_the_newer_counts_at_the_place_of_the_older(tmp_path: Path) -> None:
    old, new = (Store(tmp_path / name) for name in ("old", "new"))
    add(new, "d", "t", PERFECT, time=LATER)
    add(old, "d", "t", ONE_WRONG)
    add(old, "d", "u", ONE_WRONG, place=1)
    assert [(one.testset, one.store) for one in newest([old, new])] == [("t", new), ("u", old)]


@pytest.mark.parametrize("other", [{"kind": "published"}, {"protocol": "other"}, {"perturbation": "jpeg:90"}])
def test_other_weights_protocols_and_perturbations_are_cells_of_their_own(
    tmp_path: Path, other: dict[str, str]
) -> None:
    one, two = (Store(tmp_path / name) for name in ("one", "two"))
    add(one, "d", "t", PERFECT)
    add(two, "d", "t", ONE_WRONG, time=LATER, **other)
    found = newest([one, two])
    assert [cell.store for cell in found] == [one, two]
    assert [cell.threshold for cell in found] == [0.5, 0.5]


def test_without_a_finished_cell_the_runs_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=f"no finished cell in {tmp_path}"):
        newest([Store(tmp_path)])
