"""What a training says of its progress: from the first step on, and no time that is not so."""

from __future__ import annotations

import re
import time

import pytest

from forenbench.cli.progress import RecipeProgress


def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, first: int) -> list[str]:
    """Report steps of 20 seconds each, up to the tenth, as a training that begins, or goes on, would."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with RecipeProgress() as progress:
        for step in range(first, 11):
            clock[0] += 20
            progress.report("epoch 1", step, 10, {"loss": 0.5})
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("first", [1, 5])
def test_the_time_to_the_end_of_a_part_is_what_it_then_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    said = lines(capsys, monkeypatch, first)
    assert said[0] == f"epoch 1: {first} of 10. loss 0.5000"  # at once; one step is no pace
    assert said[-1] == "epoch 1: 10 of 10. loss 0.5000"
    told = [
        re.fullmatch(r"epoch 1: (\d+) of 10, about (\d+) s to the end of it\. loss 0\.5000", one)
        for one in said
    ]
    estimates = [(int(found[1]), int(found[2])) for found in told if found]
    assert len(estimates) == len(said) - 2 > 0
    assert all(seconds == 20 * (10 - step) for step, seconds in estimates)


def test_processes_that_train_along_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with RecipeProgress(quiet=True) as progress:
        progress.note("on cpu")
        progress.report("epoch 1", 1, 1, {})
    assert capsys.readouterr().err == ""
