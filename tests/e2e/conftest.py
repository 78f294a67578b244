"""The command line, called as its console script calls it, in a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import BRIGHT, Bench, Outcome
from filelock import FileLock
from slow_run import SlowRun

from forenbench.cli import main
from forenbench.testing import write_tiny_dataset


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """Call ``bench`` with arguments; `tiny/` (a dataset) and `bright.py` (a detector) are at hand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    write_tiny_dataset(tmp_path / "tiny")
    (tmp_path / "bright.py").write_text(BRIGHT)

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory, shared_by_processes: Path) -> SlowRun:
    """A slow run, finished by the local engine, without interruption, as ``whole``.

    Of pytest's processes one makes that run, the others have a link to it.
    """
    slow = SlowRun(tmp_path_factory.mktemp("slow"))
    whole, made = slow.folder / "whole", shared_by_processes / "whole-slow-run"
    with FileLock(made.with_suffix(".lock")):
        if not made.exists():
            slow.finish_as_a_user_would(whole.name)
            whole.rename(made)
    whole.symlink_to(made)
    return slow
