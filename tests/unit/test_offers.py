"""Where weights lack, a terminal is offered a choice; everybody else the commands to type."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

import forenbench
from forenbench.cli.offers import made_ready, typed
from forenbench.errors import BenchError, NotHere
from forenbench.front.evaluation import Evaluation
from forenbench.plugins.ways import check_ready
from forenbench.scoring.requested import Files
from forenbench.scoring.run_request import Means, Request
from forenbench.scoring.working import EngineChoice
from forenbench.testing import write_tiny_dataset


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("FORENBENCH_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)
    write_tiny_dataset(tmp_path / "tiny")
    monkeypatch.setattr(sys, "argv", ["bench", "run", "--dataset", "tiny"])
    request = Request(["lgrad", "univfd"], {"tiny": []}, ["none"])
    return Evaluation(
        request, Means(Path("data"), Files(), "", "", None, "all"), EngineChoice("local", "cpu")
    )


def answer(monkeypatch: pytest.MonkeyPatch, text: str, *, terminal: bool = True) -> None:
    stdin = io.StringIO(text)
    stdin.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)


def test_a_choice_on_a_terminal_is_what_runs(asked: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "4\n")
    chosen = made_ready(asked)
    assert chosen == replace(asked, means=replace(asked.means, checkpoints="sample"))
    chosen.check()


def test_what_is_here_can_be_chosen(
    asked: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny-ladeda.pth").touch()
    monkeypatch.setenv("FORENBENCH_WEIGHTS", str(tmp_path))
    answer(monkeypatch, "1\n")
    assert made_ready(asked).request.detectors == ["tiny-ladeda@published"]


@pytest.mark.parametrize("text", ["\n", "0\n", "9\n", "yes\n"])
def test_any_other_answer_runs_and_fetches_nothing(
    text: str, asked: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, text)
    with pytest.raises(typer.Exit) as left:
        made_ready(asked)
    assert left.value.exit_code == 2


def test_without_a_terminal_nobody_is_asked_and_the_commands_are_those_to_type(
    asked: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "1\n", terminal=False)
    monkeypatch.setattr(
        sys, "argv", ["bench", "run", "--detectors", "lgrad", "--dataset=my photos", "--detectors=univfd"]
    )
    with pytest.raises(NotHere) as caught:
        made_ready(asked)
    said = [line.strip() for line in str(caught.value).splitlines()]
    assert "bench weights fetch tiny-ladeda" in said
    assert "bench run '--dataset=my photos' --detectors tiny-ladeda@published" in said
    assert "bench run --detectors lgrad '--dataset=my photos' --detectors=univfd --checkpoints sample" in said


def test_a_request_that_is_wrong_in_another_way_is_no_choice(
    asked: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "1\n")
    with pytest.raises(BenchError, match="unknown protocol"):
        made_ready(replace(asked, means=replace(asked.means, protocol="none such")))


def test_python_says_the_same_in_its_own_words_and_asks_nothing(
    asked: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "1\n")
    with pytest.raises(NotHere) as caught:
        forenbench.evaluate(dataset="tiny", progress=False)
    with pytest.raises(NotHere) as typed_one, typed():
        check_ready(["lgrad", "univfd"], "published", {})
    ours, theirs = (
        [line for line in str(one.value).splitlines() if "detectors=" not in line and "bench run" not in line]
        for one in (caught, typed_one)
    )
    assert [one for one in ours if "checkpoints=" not in one] == theirs
    assert 'the same with checkpoints="sample"' in str(caught.value)
    assert not Path("results").exists()
