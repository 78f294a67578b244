"""A run killed at any moment goes on where it was, and ends with the rows of an uninterrupted one."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from forenbench.testing import write_tiny_dataset

SLOW = """
import time
from forenbench.testing import Brightness


class Slow(Brightness):
    name = "slow"

    def score(self, batch):
        time.sleep(0.2)
        return super().score(batch)
"""
COMMAND = [
    *(sys.executable, "-c", "from forenbench.cli import main; main()"),
    *("run", "--detectors", "./slow.py", "--dataset", "tiny", "--perturbations", "none,noise:9.0,crop:0.5"),
]


def rows(folder: Path) -> pd.DataFrame:
    found = pd.concat([pd.read_parquet(path) for path in folder.glob("scores/**/*.parquet")])
    return found.sort_values(["perturbation", "path"], ignore_index=True)


@pytest.mark.slow
def test_killed_and_started_again_gives_the_rows_of_an_uninterrupted_run(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny", generators=list("abcdef"), images=3)
    (tmp_path / "slow.py").write_text(SLOW)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*COMMAND, "--out", str(whole)], cwd=tmp_path, check=True, capture_output=True)

    delays = random.Random(7)
    for _ in range(3):
        process = subprocess.Popen([*COMMAND, "--out", str(killed)], cwd=tmp_path, stderr=subprocess.DEVNULL)
        started = time.monotonic()
        done = len(list(killed.glob("scores/**/*.json")))
        while len(list(killed.glob("scores/**/*.json"))) == done and time.monotonic() - started < 60:
            time.sleep(0.01)
        time.sleep(delays.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 0 < len(list(killed.glob("scores/**/*.json"))) < 18
    last = subprocess.run(
        [*COMMAND, "--out", str(killed)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ", 0 of them done before" not in last.stderr
    pd.testing.assert_frame_equal(rows(killed), rows(whole))
    assert (killed / "tables/acc-ap.csv").read_bytes() == (whole / "tables/acc-ap.csv").read_bytes()


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_exits_130(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "tiny", generators=list("abcdef"), images=3)
    (tmp_path / "slow.py").write_text(SLOW)
    process = subprocess.Popen(
        [*COMMAND, "--out", "run"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )
    while process.poll() is None and not list(tmp_path.glob("run/scores/**/*.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
