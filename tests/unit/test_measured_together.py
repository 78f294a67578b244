"""Cells measured in several processes: the same numbers, and only where the work pays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_cells import add

from forenbench.files import forked
from forenbench.records import measurements
from forenbench.records.measurements import Measurements, at_once
from forenbench.records.record_files import Damaged
from forenbench.records.store import Store

SCORES = [0.1, 0.6, 0.4, 0.9]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    for place in range(5):
        add(made, f"d{place % 2}", f"t{place // 2}", [score - place / 100 for score in SCORES], place=place)
    return made


def test_several_processes_measure_what_one_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, together = (Measurements(store, by_class=False, anew=True) for _ in range(2))
    monkeypatch.setattr(measurements, "at_once", lambda images: 2)
    together.prepare(store.records())
    assert len(together._known) == 5
    for record in store.records():
        (one,), (other,) = alone.of(record), together.of(record)
        assert repr({**one, "replicates": ""}) == repr({**other, "replicates": ""})
        assert one["replicates"].keys() == other["replicates"].keys()
        assert all(
            np.array_equal(one["replicates"][name], other["replicates"][name]) for name in one["replicates"]
        )


def test_damage_is_told_as_by_one_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    records = store.records()
    _, rows = store.files(records[2].cell)
    rows.write_bytes(b"nothing")
    monkeypatch.setattr(measurements, "at_once", lambda images: 2)
    with pytest.raises(Damaged, match="is damaged: its rows are not what was written"):
        Measurements(store, by_class=False, anew=True).prepare(records)


def test_processes_are_as_many_as_pay_and_find_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "most", lambda: 64)
    assert at_once([]) == 1
    assert at_once([8, 8]) == 1  # two small cells
    assert at_once([100_000, 100_000]) == 2
    assert at_once([8] * 10_000) > 2  # many small ones
    memory = 1 << 60  # of the machine
    monkeypatch.setattr(measurements.os, "sysconf", lambda name: memory if "PAGES" in name else 1)
    assert at_once([4_000_000] * 200) == 64
    memory = 0
    assert at_once([4_000_000] * 200) == 1  # two gigabytes hold one cell of that size
    assert 1 < at_once([100_000] * 200) < 9
    monkeypatch.setattr(measurements, "most", lambda: 1)
    assert at_once([100_000] * 200) == 1
    assert forked.most() >= 1
