"""``bench check results``: a run folder, and a file of scores, before they join others."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Bench

pytestmark = pytest.mark.slow


def test_a_run_and_a_file_of_scores_are_checked(bench: Bench) -> None:
    assert bench("run", "--detectors", "./bright.py", "--dataset", "tiny", "--out", "results/in").code == 0
    sound = bench("check", "results", "results/in")
    assert sound.code == 0, sound.out
    assert len(sound.out.splitlines()) == 9
    assert all(line.startswith("ok    ") for line in sound.out.splitlines())
    board = Path("results/in/leaderboard.csv")
    board.write_text(board.read_text().replace("100.00", "99.00", 1))
    failed = bench("check", "results", "results/in")
    assert failed.code == 1
    (line,) = [line for line in failed.out.splitlines() if not line.startswith("ok    ")]
    assert line.startswith("FAIL  tables and leaderboard say what the rows do  leaderboard.csv, line 2: ")

    rows = [
        f"tiny/alpha/{name}/{at}.png,{label},0.{label}{at}"
        for label, name in enumerate(("0_real", "1_fake"))
        for at in range(4)
    ]
    Path("vendor.csv").write_text("\n".join(["file,label,score", *rows]))
    read = bench("check", "results", "vendor.csv", "--columns", "path=file")
    assert read.code == 0, read.out
    assert read.out.startswith("ok    the file of scores can be read")
    unread = bench("check", "results", "vendor.csv")
    assert unread.code == 1
    assert "FAIL  the file of scores can be read  " in unread.out
    assert bench("check", "results", "nothing.csv").code == 2
