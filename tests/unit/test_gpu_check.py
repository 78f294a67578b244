"""The check for GPUs runs to its end without one, and tells of each check what became of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import gpu_check
import gpu_parity
import gpu_runs
import pytest
import torch
from formula import shapes_of
from gpu_check import Outcome
from gpu_parity import CASES, Official
from gpu_place import Check, Facts, Place, numbers
from published_keys import published_keys

from forenbench.plugins.installed import find

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="would take eight minutes of a GPU")

WRONG = "safe:crop256"
"""The case whose official numbers are others in the test."""


@pytest.fixture(autouse=True)
def _caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # which the check sets to its own
    return


def checked(name: str, run: Callable[[Place], Facts], root: Path, seconds: float = 60.0) -> Outcome:
    (outcome,) = gpu_check.run_all(Place("cpu", root), [Check(name, run, seconds)])
    return outcome


@pytest.mark.slow
def test_all_of_it_runs_in_a_tiny_form_and_a_wrong_logit_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = CASES[WRONG].logit
    monkeypatch.setitem(CASES, WRONG, replace(CASES[WRONG], logit=lambda picture: official(picture) + 2e-4))
    assert gpu_check.main(["--out", str(tmp_path / "gpu.json")]) == 1
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["device"] == "cpu"
    by_name = {one["check"]: one for one in found["checks"]}
    assert list(by_name) == [check.name for check in gpu_check.CHECKS]
    failed = {name: one["reason"] for name, one in by_name.items() if one["status"] == "failed"}
    off = "float32 logits are off by 0.0002, more than 0.0001"
    assert failed == {f"parity {WRONG}": f"ValueError: {off}"}
    left_out = {name for name, one in by_name.items() if one["status"] == "not run"}
    assert left_out == {
        "copies",
        *(f"parity {name}" for name in CASES if name not in gpu_check.TINY),
    }
    assert all("no CUDA device" in by_name[name]["reason"] for name in left_out)
    facts = {name: one["facts"] for name, one in by_name.items()}
    deviation = facts["parity npr:squash256"]["largest deviation"]
    assert deviation["fp32"] < 1e-5 < deviation["bf16"] < 0.1
    assert facts["two runs alike"] == {"scores": 34, "differing": 0, "said to be nondeterministic": []}
    # How many halvings it takes depends on what else finds no room, in a process that did much before.
    assert facts["out of memory"]["images at once"][:2] == [32, 16]
    assert facts["out of memory"]["scores"] == "equal"
    assert 0 < facts["overlap"]["busy"] <= 1
    table = (tmp_path / "gpu.md").read_text().splitlines()
    assert len(table) == 2 + len(by_name)
    assert {line.count("|") for line in table} == {4}


# --- what goes wrong stays with its check


def test_a_check_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    def fails(place: Place) -> Facts:
        raise ValueError("no such kernel")

    checks = [
        Check("fails", fails, 60),
        Check("ends", lambda place: os._exit(3), 60),
        Check("passes", lambda place: {"root": place.root.name}, 60),
    ]
    first, second, third = gpu_check.run_all(Place("cpu", tmp_path), checks)
    assert (first.status, first.reason) == ("failed", "ValueError: no such kernel")
    assert (second.status, second.reason) == ("failed", "its process ended with status 3")
    assert (third.status, third.facts) == ("ok", {"root": tmp_path.name})


def test_a_check_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    def hangs(place: Place) -> Facts:
        (place.root / "begun").touch()
        time.sleep(60)
        return {}

    outcome = checked("hangs", hangs, tmp_path, seconds=0.2)
    assert (outcome.status, outcome.reason) == ("failed", "not done within 1 s")
    assert outcome.seconds < 30
    assert (tmp_path / "begun").exists()


def test_nothing_is_begun_once_the_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_check, "LIMIT", 0.5)
    outcome = checked("late", lambda place: {}, tmp_path)
    assert (outcome.status, outcome.reason) == ("not run", "the 0 s were over")


@pytest.mark.parametrize(
    ("check", "status", "official"),
    [("parity npr", "failed", False), ("parity npr", "not run", True), ("reading", "failed", True)],
)
def test_the_exit_status_is_about_parity(check: str, status: str, official: bool) -> None:
    assert gpu_check.is_official([Outcome("machine"), Outcome(check, status)]) is official


# --- the parts that only a GPU has time for


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_writes_what_its_detector_reads(case: Official) -> None:
    plugin, _, variant = case.detector.partition(":")
    assert list(case.files) == [one.name for one in find(plugin).plugin.needs[variant]]
    for name, file in case.files.items():
        with torch.device("meta"):
            shapes = dict(shapes_of(file.build()))
        published = published_keys()[name]
        assert {key: published.get(f"visual.{key}", published.get(key)) for key in shapes} == shapes
    assert all(abs(case.logit(picture)) < 100 for picture in gpu_parity.PICTURES)


def test_time_that_is_covered_twice_counts_once() -> None:
    assert gpu_runs.covered([]) == 0
    assert gpu_runs.covered([(5, 6), (0, 3), (1, 2), (2, 4)]) == 5


def test_numbers_are_written_with_three_digits() -> None:
    assert numbers({"fp32": 1.23456e-7, "GPU": "H200"}) == "fp32 1.23e-07, GPU H200"
